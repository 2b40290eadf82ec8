#include "acme/revocations.h"

#include <gtest/gtest.h>

#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

class RevocationsTest : public testing::Test {
 protected:
  static certstore::CertificatePtr certificate(const test::Minted& minted) {
    return certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem()).value();
  }

  test::ScratchFolder folder_;
  FolderStorage storage_{folder_.path()};
  Revocations revocations_{storage_};
  test::Authority authority_{"CA"};
};

TEST_F(RevocationsTest, EndServiceOnlyWhereSomebodyElseMayHaveTheKey) {
  for (const unsigned reason : {1U, 2U, 6U, 8U, 9U, 10U}) EXPECT_TRUE(ends_service(reason)) << reason;
  for (const unsigned reason : {0U, 3U, 4U, 5U}) EXPECT_FALSE(ends_service(reason)) << reason;
  EXPECT_FALSE(ends_service(std::nullopt));
}

TEST_F(RevocationsTest, ForbidEveryCertificateOfAKeyThatOthersHave) {
  const test::Minted first = authority_.issue({.names = {"a.test"}});
  const auto old = certificate(first);
  const auto other = certificate(authority_.issue({.names = {"a.test"}}));
  EXPECT_FALSE(revocations_.forbids(*old));
  ASSERT_TRUE(revocations_.forbid(*old, 1));
  EXPECT_TRUE(revocations_.forbids(*old));
  EXPECT_FALSE(revocations_.forbids(*other));
  EXPECT_TRUE(Revocations(storage_).forbids(*old)) << "another process sees it as well";
  const auto marks = storage_.list("revoked").value();
  for (const std::string& key : marks) {
    const auto text = storage_.read(key).value().value();
    EXPECT_EQ(text.find("PRIVATE"), std::string::npos);
  }
}

TEST_F(RevocationsTest, ForgetWhatHasExpired) {
  const auto one = certificate(authority_.issue({.names = {"a.test"}}));
  ASSERT_TRUE(revocations_.forbid(*one, 9));
  revocations_.forget_expired(one->facts().not_after - 1h);
  EXPECT_TRUE(revocations_.forbids(*one));
  revocations_.forget_expired(one->facts().not_after + 1h);
  EXPECT_FALSE(revocations_.forbids(*one));
}

TEST_F(RevocationsTest, AreKeptUntilTheyAreDone) {
  ASSERT_TRUE(storage_.write("revocations/broken.json", "{"));
  EXPECT_TRUE(revocations_.planned().empty());
  const PlannedRevocation planned{.name = "a.test",
                                  .record = "a.test.ecdsa",
                                  .issuer = "ca",
                                  .reason = 4,
                                  .fingerprint = "0a1b",
                                  .der = "\x30\x01",
                                  .until = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
  ASSERT_TRUE(revocations_.plan(planned));
  const auto again = Revocations(storage_).planned();
  ASSERT_EQ(again.size(), 1U);
  EXPECT_EQ(again[0].reason, 4U);
  EXPECT_EQ(again[0].der, planned.der);
  ASSERT_TRUE(revocations_.done(planned));
  EXPECT_TRUE(revocations_.planned().empty());
  ASSERT_TRUE(revocations_.plan(planned));
  revocations_.forget_expired(planned.until + 1h);
  EXPECT_TRUE(revocations_.planned().empty()) << "no CA revokes what has expired";
}

}  // namespace
}  // namespace acme
