#include "acme/issuing.h"

#include <gtest/gtest.h>

#include "acme/revocations.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

class IssuingTest : public testing::Test {
 protected:
  IssuingTest() {
    config::IssuedCertificate wanted;
    wanted.name = "www.test";
    wanted.hosts = {wanted.name};
    wanted.issuer = "self";
    target_ = targets_of(wanted).front();
  }

  // What another process on the same storage has got meanwhile.
  certstore::CertificatePtr put(const std::string& authority) {
    const test::Minted minted = test::Authority("CA").issue(
        {.names = {"www.test"}, .not_before = clock_.now() - 24h, .not_after = clock_.now() + 89 * 24h});
    auto certificate = certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem()).value();
    EXPECT_TRUE(CertificateShelf(storage_).write(
        target_.certificate_key(),
        {.certificate = certificate, .issuer = "any", .authority = authority, .window = std::nullopt}));
    return certificate;
  }
  Attempt run() {
    return issuing_.run({.target = target_, .issuer = "self", .issuers = issuers_, .previous = previous_}, {});
  }

  test::ScratchFolder folder_;
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)};
  FolderStorage storage_{folder_.path()};
  FolderLocks locks_{folder_.path() / "locks"};
  FolderChallengeTable table_{folder_.path() / "challenges", [](const auto&) {}};
  Accounts accounts_{storage_, locks_};
  Clients clients_{clock_, {}};
  Issuing issuing_{{.storage = storage_,
                    .locks = locks_,
                    .challenges = table_,
                    .accounts = accounts_,
                    .clients = clients_,
                    .clock = clock_,
                    .preflight = {},
                    .challenge_ended = {}}};
  Issuers issuers_{{"self", config::SelfSignedIssuer{.lifetime = 90 * 24h}}};
  std::optional<StoredCertificate> previous_;
  Target target_;
};

TEST_F(IssuingTest, DoesNotTakeWhatAnotherAuthorityMade) {
  const auto other = put("https://ca.test/dir");
  const auto issued = run();
  ASSERT_TRUE(issued);
  EXPECT_NE(issued->certificate->fingerprint(), other->fingerprint());
  EXPECT_EQ(issued->authority, "self_signed");
}

TEST_F(IssuingTest, DoesNotTakeWhatIsRevoked) {
  const auto revoked = put("self_signed");
  ASSERT_TRUE(Revocations(storage_).forbid(*revoked, 1));
  const auto issued = run();
  ASSERT_TRUE(issued);
  EXPECT_NE(issued->certificate->fingerprint(), revoked->fingerprint());
}

TEST_F(IssuingTest, NeverUsesAKeyAgainThatOthersHave) {
  auto wanted = *target_.wanted;
  wanted.key.reuse = true;
  target_ = targets_of(wanted).front();
  const auto first = run();
  ASSERT_TRUE(first);
  previous_ = *first;
  const auto again = run();
  ASSERT_TRUE(again);
  EXPECT_EQ(again->certificate->key_pem(), first->certificate->key_pem());
  ASSERT_TRUE(Revocations(storage_).forbid(*again->certificate, 1));
  previous_ = *again;
  const auto renewed = run();
  ASSERT_TRUE(renewed);
  EXPECT_NE(renewed->certificate->key_pem(), first->certificate->key_pem());
}

TEST_F(IssuingTest, TakesWhatAnotherProcessGotMeanwhile) {
  const auto got = put("self_signed");
  const auto issued = run();
  ASSERT_TRUE(issued);
  EXPECT_EQ(issued->certificate->fingerprint(), got->fingerprint());
}

}  // namespace
}  // namespace acme
