#include "certstore/local_ca.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace certstore {
namespace {

using namespace std::chrono_literals;

class LocalCaTest : public testing::Test {
 protected:
  test::ScratchFolder folder_;
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
};

TEST_F(LocalCaTest, RefusesAnExpiredAuthorityAndNamesTheFile) {
  ASSERT_TRUE(LocalCa::open(folder_.path(), clock_));
  clock_.advance(24h * 366 * 11);
  const auto opened = LocalCa::open(folder_.path(), clock_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().what.find((folder_ / "ca.crt").string()), std::string::npos);
  EXPECT_NE(opened.error().what.find("expired"), std::string::npos);
}

TEST_F(LocalCaTest, RefusesAKeyOfAnotherAuthorityAndChangesNothing) {
  ASSERT_TRUE(LocalCa::open(folder_.path(), clock_));
  const std::string foreign = test::self_signed({}).key_pem();
  folder_.write("ca.key", foreign);
  const auto opened = LocalCa::open(folder_.path(), clock_);
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().what.find((folder_ / "ca.key").string()), std::string::npos);
  EXPECT_EQ(*base::read_file(folder_ / "ca.key"), foreign);
}

TEST_F(LocalCaTest, RefusesAMissingOrDamagedKeyAndADamagedCertificate) {
  ASSERT_TRUE(LocalCa::open(folder_.path(), clock_));
  folder_.write("ca.key", "garbage");
  EXPECT_FALSE(LocalCa::open(folder_.path(), clock_));
  folder_.remove("ca.key");
  EXPECT_FALSE(LocalCa::open(folder_.path(), clock_));
  folder_.write("ca.crt", "garbage");
  EXPECT_FALSE(LocalCa::open(folder_.path(), clock_));
}

TEST_F(LocalCaTest, RefusesNamesThatAreNone) {
  const auto ca = LocalCa::open(folder_.path(), clock_);
  ASSERT_TRUE(ca);
  EXPECT_FALSE(ca->issue({}, 24h));
  EXPECT_FALSE(ca->issue({"not a name"}, 24h));
  EXPECT_FALSE(ca->issue({"a.example.com,DNS:evil.example.com"}, 24h));
}

TEST_F(LocalCaTest, FinishesWhatACrashInterrupted) {
  folder_.write("ca.key", test::self_signed({}).key_pem());
  EXPECT_TRUE(LocalCa::open(folder_.path(), clock_));
}

TEST_F(LocalCaTest, KeepsTheAuthorityAcrossRestartsWithAKeyForItsOwnerOnly) {
  const auto inner = folder_ / "state";
  ASSERT_TRUE(LocalCa::open(inner, clock_));
  const std::string first = *base::read_file(inner / "ca.crt");
  ASSERT_TRUE(LocalCa::open(inner, clock_));
  EXPECT_EQ(*base::read_file(inner / "ca.crt"), first);
  struct stat status{};
  ASSERT_EQ(::stat((inner / "ca.key").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat(inner.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST_F(LocalCaTest, IssuesLeavesThatVerifyAgainstTheAuthority) {
  const auto ca = LocalCa::open(folder_.path(), clock_);
  ASSERT_TRUE(ca);
  const auto leaf = ca->issue({"App.Localhost", "*.app.localhost", "127.0.0.1", "::1"}, 24h * 90);
  ASSERT_TRUE(leaf) << leaf.error().what;
  const Facts& facts = (*leaf)->facts();
  EXPECT_EQ(facts.dns_names, (std::vector<std::string>{"app.localhost", "*.app.localhost"}));
  EXPECT_EQ(facts.ip_addresses, (std::vector<std::string>{"127.0.0.1", "::1"}));
  EXPECT_EQ(facts.not_after, clock_.now() + 24h * 90);
  EXPECT_TRUE(facts.chain_complete);

  const std::string pem = *base::read_file(ca->certificate_path());
  const base::BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const base::X509Ptr root(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  const base::X509StorePtr trust(X509_STORE_new());
  X509_STORE_add_cert(trust.get(), root.get());
  const std::unique_ptr<X509_STORE_CTX, base::Freed<X509_STORE_CTX_free>> context(X509_STORE_CTX_new());
  X509_STORE_CTX_init(context.get(), trust.get(), (*leaf)->material()->leaf.get(), nullptr);
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context.get());
  X509_VERIFY_PARAM_set_time(parameters, std::chrono::system_clock::to_time_t(
                                             std::chrono::time_point_cast<std::chrono::seconds>(clock_.now())));
  X509_VERIFY_PARAM_set_flags(parameters, X509_V_FLAG_X509_STRICT);
  X509_VERIFY_PARAM_set_purpose(parameters, X509_PURPOSE_SSL_SERVER);
  X509_VERIFY_PARAM_set1_host(parameters, "x.app.localhost", 0);
  EXPECT_EQ(X509_verify_cert(context.get()), 1)
      << X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get()));
}

TEST_F(LocalCaTest, IssuesNothingThatOutlivesTheAuthority) {
  const auto ca = LocalCa::open(folder_.path(), clock_);
  const auto leaf = ca->issue({"a.example.com"}, 24h * 366 * 30);
  ASSERT_TRUE(leaf);
  EXPECT_LT((*leaf)->facts().not_after, clock_.now() + 24h * 366 * 11);
}

}  // namespace
}  // namespace certstore
