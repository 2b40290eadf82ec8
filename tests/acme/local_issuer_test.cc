#include "acme/local_issuer.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

class LocalIssuerTest : public testing::Test {
 protected:
  // A CA in files, by a key of this kind; its certificate ends in ten days.
  config::CaIssuer ca(test::KeyKind kind, bool is_ca = true) const {
    const base::EvpPkeyPtr key = test::make_key(kind);
    const base::X509Ptr made(X509_new());
    X509_set_version(made.get(), X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 7);
    const auto now = std::chrono::system_clock::to_time_t(std::chrono::floor<std::chrono::seconds>(clock_.now()));
    ASN1_TIME_set(X509_getm_notBefore(made.get()), now);
    ASN1_TIME_set(X509_getm_notAfter(made.get()), now + 10 * 24 * 3600);
    X509_NAME* name = X509_get_subject_name(made.get());
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, reinterpret_cast<const unsigned char*>("Our CA"), -1, -1, 0);
    X509_set_issuer_name(made.get(), name);
    X509_set_pubkey(made.get(), key.get());
    const base::X509ExtensionPtr basic(
        X509V3_EXT_conf_nid(nullptr, nullptr, NID_basic_constraints, is_ca ? "critical,CA:TRUE" : "critical,CA:FALSE"));
    X509_add_ext(made.get(), basic.get(), -1);
    X509_sign(made.get(), key.get(), EVP_sha256());
    const base::BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio_PrivateKey(bio.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    folder_.write("ca.crt", test::to_pem(made.get()));
    folder_.write("ca.key", std::string_view(data, static_cast<std::size_t>(size)));
    return {folder_ / "ca.crt", folder_ / "ca.key", 24h};
  }

  test::ScratchFolder folder_;
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
  const std::string key_ = test::self_signed({}).key_pem();
  const std::vector<Identifier> names_ = identifiers_of({"a.test", "*.b.test", "192.0.2.1", "2001:db8::1"});
};

bool signed_by(const certstore::CertificatePtr& leaf, const std::string& ca_pem) {
  const base::BioPtr bio(BIO_new_mem_buf(ca_pem.data(), static_cast<int>(ca_pem.size())));
  const base::X509Ptr ca(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  return X509_verify(leaf->material()->leaf.get(), X509_get0_pubkey(ca.get())) == 1 &&
         X509_check_issued(ca.get(), leaf->material()->leaf.get()) == X509_V_OK;
}

TEST_F(LocalIssuerTest, RefusesAnAuthorityThatIsNoneExpiredOrSomebodyElses) {
  const auto what = [&](const config::CaIssuer& issuer) {
    const auto issued = issue_with_ca(issuer, names_, key_, clock_);
    return issued ? std::string("issued") : issued.error().what;
  };
  EXPECT_NE(what({folder_ / "none.crt", folder_ / "none.key", 24h}).find("none.crt"), std::string::npos);
  EXPECT_NE(what(ca(test::KeyKind::ec_p256, false)).find("is not the certificate of a CA"), std::string::npos);
  config::CaIssuer good = ca(test::KeyKind::ec_p256);
  clock_.advance(-1h);
  EXPECT_NE(what(good).find("not valid yet"), std::string::npos);
  clock_.advance(1h + 10 * 24h);
  EXPECT_NE(what(good).find("ca.crt: the CA certificate has expired"), std::string::npos);
  folder_.write("ca.key", key_);
  EXPECT_NE(what(good).find("does not match"), std::string::npos);
  folder_.write("ca.key", "garbage");
  EXPECT_NE(what(good).find("ca.key"), std::string::npos);
}

TEST_F(LocalIssuerTest, RefusesAKeyThatIsNoneAndNoNamesAtAll) {
  const config::CaIssuer good = ca(test::KeyKind::ec_p256);
  EXPECT_FALSE(issue_with_ca(good, names_, "", clock_));
  EXPECT_FALSE(issue_with_ca(good, names_, "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n", clock_));
  EXPECT_FALSE(issue_with_ca(good, {}, key_, clock_));
  EXPECT_FALSE(issue_self_signed({}, {}, key_, clock_));
}

TEST_F(LocalIssuerTest, SignsWithAnAuthorityOfEitherKindForEveryKindOfName) {
  for (const test::KeyKind kind : {test::KeyKind::rsa_2048, test::KeyKind::ec_p256, test::KeyKind::ec_p384}) {
    const auto issued = issue_with_ca(ca(kind), names_, key_, clock_);
    ASSERT_TRUE(issued) << issued.error().what;
    const certstore::Facts& facts = (*issued)->facts();
    EXPECT_EQ(facts.dns_names, (std::vector<std::string>{"*.b.test", "a.test"}));
    EXPECT_EQ(facts.ip_addresses.size(), 2U);
    EXPECT_EQ(facts.issuer.common_name, "Our CA");
    EXPECT_EQ(facts.not_after, clock_.now() + 24h);
    EXPECT_TRUE(facts.chain_complete);
    EXPECT_TRUE((*issued)->material()->intermediates.empty());
    const std::string pem = *base::read_file(folder_ / "ca.crt");
    EXPECT_TRUE(signed_by(*issued, pem));
    EXPECT_EQ((*issued)->key_pem(), key_);
  }
}

TEST_F(LocalIssuerTest, IssuesNothingThatOutlivesTheAuthority) {
  config::CaIssuer issuer = ca(test::KeyKind::ec_p256);
  issuer.lifetime = 24h * 90;
  const auto issued = issue_with_ca(issuer, names_, key_, clock_);
  ASSERT_TRUE(issued);
  EXPECT_EQ((*issued)->facts().not_after, clock_.now() + 24h * 10);
}

TEST_F(LocalIssuerTest, KeepsTheIntermediatesOfTheAuthority) {
  const test::Authority root("Root");
  const test::Authority middle = root.intermediate("Middle");
  const test::Authority issuing = middle.intermediate("Issuing");
  folder_.write("ca.crt", issuing.pem() + middle.pem() + root.pem());
  folder_.write("ca.key", issuing.key_pem());
  const auto issued = issue_with_ca({folder_ / "ca.crt", folder_ / "ca.key", 24h}, names_, key_, clock_);
  ASSERT_TRUE(issued) << issued.error().what;
  EXPECT_EQ((*issued)->material()->intermediates.size(), 2U);
  EXPECT_TRUE(signed_by(*issued, issuing.pem()));
}

TEST_F(LocalIssuerTest, SignsByItselfWithEitherKindOfKey) {
  for (const test::KeyKind kind : {test::KeyKind::ec_p256, test::KeyKind::rsa_2048}) {
    test::LeafOptions options;
    options.key = kind;
    const std::string key = test::self_signed(options).key_pem();
    const auto issued = issue_self_signed({48h}, names_, key, clock_);
    ASSERT_TRUE(issued) << issued.error().what;
    EXPECT_EQ((*issued)->facts().not_after, clock_.now() + 48h);
    EXPECT_EQ((*issued)->facts().ip_addresses.size(), 2U);
    EXPECT_EQ(X509_self_signed((*issued)->material()->leaf.get(), 1), 1);
  }
}

}  // namespace
}  // namespace acme
