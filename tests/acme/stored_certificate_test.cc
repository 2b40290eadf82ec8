#include "acme/stored_certificate.h"

#include <gtest/gtest.h>

#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

class ShelfTest : public testing::Test {
 protected:
  StoredCertificate make(const std::string& name) const {
    const test::Minted minted = authority_.issue({.names = {name}});
    const base::SystemTime start = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
    return {.certificate = certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem()).value(),
            .issuer = "letsencrypt",
            .authority = "https://ca.test/directory",
            .jitter = 0.25,
            .window = KnownWindow{{start, start + 48h, "https://ca.test/why"}, start + 1h, start + 6h}};
  }

  const test::Authority authority_{"an authority"};
  const test::ScratchFolder folder_;
  FolderStorage storage_{folder_.path()};
  CertificateShelf shelf_{storage_};
  const std::string key_ = "certificates/a.test.ecdsa";
};

TEST_F(ShelfTest, HasNothingWhereNothingIs) {
  const auto read = shelf_.read(key_);
  ASSERT_TRUE(read);
  EXPECT_FALSE(*read);
  EXPECT_TRUE(shelf_.remove(key_));
}

TEST_F(ShelfTest, SaysWhatIsWrongWithACertificate) {
  ASSERT_TRUE(storage_.write(key_ + ".pem", "no certificate"));
  const auto read = shelf_.read(key_);
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().what.find(key_ + ".pem"), std::string::npos) << read.error().what;
}

TEST_F(ShelfTest, BelievesNoRecordOfAnotherCertificate) {
  ASSERT_TRUE(shelf_.write(key_, make("a.test")));
  ASSERT_TRUE(shelf_.write_window(key_, make("b.test")));
  const auto read = shelf_.read(key_);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->issuer, "");
  EXPECT_FALSE((*read)->window);
}

TEST_F(ShelfTest, ReadsTheCertificateWhoseRecordIsUnreadable) {
  for (const char* text : {"", "{", "[]", R"({"fingerprint":7})"}) {
    ASSERT_TRUE(shelf_.write(key_, make("a.test")));
    ASSERT_TRUE(storage_.write(key_ + ".json", text));
    const auto read = shelf_.read(key_);
    ASSERT_TRUE(read && *read) << text;
    EXPECT_FALSE((*read)->window);
  }
}

TEST_F(ShelfTest, ReadsWhatWasWritten) {
  const StoredCertificate before = make("a.test");
  ASSERT_TRUE(shelf_.write(key_, before));
  const auto read = shelf_.read(key_);
  ASSERT_TRUE(read && *read);
  EXPECT_EQ((*read)->certificate->fingerprint(), before.certificate->fingerprint());
  EXPECT_EQ((*read)->issuer, "letsencrypt");
  EXPECT_EQ((*read)->authority, "https://ca.test/directory");
  EXPECT_EQ((*read)->jitter, 0.25);
  ASSERT_TRUE((*read)->window);
  EXPECT_EQ((*read)->window->chosen, before.window->chosen);
  EXPECT_EQ((*read)->window->info.explanation_url, "https://ca.test/why");
  ASSERT_TRUE(shelf_.remove(key_));
  EXPECT_FALSE(shelf_.read(key_)->has_value());
}

}  // namespace
}  // namespace acme
