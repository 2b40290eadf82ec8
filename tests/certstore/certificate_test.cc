#include "certstore/certificate.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "certstore/issuer_certificate.h"
#include "tests/support/mint.h"

namespace certstore {
namespace {

using test::Authority;
using test::KeyKind;
using test::Minted;

std::string refusal(const base::Result<CertificatePtr>& result) {
  return result ? "" : result.error().what;
}

// ---- What is refused, and that it says why

TEST(Certificate, RefusesTextWithoutACertificate) {
  EXPECT_EQ(refusal(Certificate::from_pem("", "")), "there is no certificate");
  EXPECT_EQ(refusal(Certificate::from_pem("-----BEGIN CERTIFICATE-----\n", "")), "certificate: PEM block 1 is damaged");
}

TEST(Certificate, RefusesADamagedBlock) {
  const Minted minted = test::self_signed({.names = {"a.example.com"}});
  std::string damaged = minted.certificate_pem();
  damaged[100] = '!';
  EXPECT_NE(refusal(Certificate::from_pem(damaged, minted.key_pem())).find("damaged"), std::string::npos);
  std::string cut = minted.certificate_pem();
  cut.erase(200, 300);
  EXPECT_NE(refusal(Certificate::from_pem(cut, minted.key_pem())).find("damaged"), std::string::npos);
}

TEST(Certificate, RefusesAMissingKey) {
  const Minted minted = test::self_signed({.names = {"a.example.com"}});
  EXPECT_EQ(refusal(Certificate::from_pem(minted.certificate_pem(), "")), "there is no private key");
}

TEST(Certificate, RefusesAKeyOfAnotherCertificate) {
  const Minted minted = test::self_signed({.names = {"a.example.com"}});
  const Minted other = test::self_signed({.names = {"a.example.com"}});
  EXPECT_EQ(refusal(Certificate::from_pem(minted.certificate_pem(), other.key_pem())),
            "the private key does not match the certificate");
  const Minted rsa = test::self_signed({.names = {"a.example.com"}, .key = KeyKind::rsa_2048});
  EXPECT_EQ(refusal(Certificate::from_pem(rsa.certificate_pem(), other.key_pem())),
            "the private key does not match the certificate");
  EXPECT_EQ(refusal(Certificate::from_pem(other.certificate_pem(), rsa.key_pem())),
            "the private key does not match the certificate");
}

// The public point that is stored beside the private scalar must not be believed.
TEST(Certificate, RefusesAPrivateScalarBesideThePublicPointOfAnother) {
  const Minted minted = test::self_signed({.names = {"a.example.com"}});
  const Minted other = test::self_signed({.names = {"a.example.com"}});
  const auto traditional = [](const Minted& of) {
    unsigned char* der = nullptr;
    const int size = i2d_PrivateKey(of.key.get(), &der);
    std::vector<std::uint8_t> bytes(der, der + size);
    OPENSSL_free(der);
    return bytes;
  };
  // SEC1 for P-256: the scalar is at 7, 32 bytes; the rest, with the point, stays the one of `minted`.
  std::vector<std::uint8_t> forged = traditional(minted);
  const std::vector<std::uint8_t> foreign = traditional(other);
  std::copy_n(foreign.begin() + 7, 32, forged.begin() + 7);
  const base::BioPtr bio(BIO_new(BIO_s_mem()));
  PEM_write_bio(bio.get(), "EC PRIVATE KEY", "", forged.data(), static_cast<long>(forged.size()));
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &text);
  const std::string key(text, static_cast<std::size_t>(size));
  EXPECT_EQ(refusal(Certificate::from_pem(minted.certificate_pem(), key)),
            "the private key does not match the certificate");
  EXPECT_TRUE(Certificate::from_pem(other.certificate_pem(), key));
}

TEST(Certificate, RefusesAnRsaKeyWhoseNumbersDoNotFit) {
  const Minted minted = test::self_signed({.names = {"a.example.com"}, .key = KeyKind::rsa_2048});
  unsigned char* der = nullptr;
  const int size = i2d_PrivateKey(minted.key.get(), &der);
  for (const int at : {400, 700, 900, 1000, 1100}) {  // d, p, q, dp, dq or qinv
    std::vector<std::uint8_t> bytes(der, der + size);
    bytes[static_cast<std::size_t>(at)] ^= 4U;
    const base::BioPtr bio(BIO_new(BIO_s_mem()));
    PEM_write_bio(bio.get(), "RSA PRIVATE KEY", "", bytes.data(), size);
    char* text = nullptr;
    const long length = BIO_get_mem_data(bio.get(), &text);
    EXPECT_EQ(refusal(Certificate::from_pem(minted.certificate_pem(), {text, static_cast<std::size_t>(length)})),
              "the private key is damaged")
        << at;
  }
  OPENSSL_free(der);
}

TEST(Certificate, RefusesAnEncryptedKeyAndSaysSo) {
  const Minted minted = test::self_signed({.names = {"a.example.com"}});
  EXPECT_NE(
      refusal(Certificate::from_pem(minted.certificate_pem(), minted.encrypted_key_pem("secret"))).find("encrypted"),
      std::string::npos);
  const std::string old =
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: "
      "AES-128-CBC,00000000000000000000000000000000\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";
  EXPECT_NE(refusal(Certificate::from_pem(minted.certificate_pem(), old)).find("encrypted"), std::string::npos);
}

TEST(Certificate, RefusesKeysThatAreTooWeakOrOfAnotherKind) {
  const Minted weak = test::self_signed({.names = {"a.example.com"}, .key = KeyKind::rsa_1024});
  EXPECT_NE(refusal(Certificate::from_pem(weak.certificate_pem(), weak.key_pem())).find("1024 bits"),
            std::string::npos);
  const Minted curve = test::self_signed({.names = {"a.example.com"}, .key = KeyKind::ec_secp256k1});
  EXPECT_NE(refusal(Certificate::from_pem(curve.certificate_pem(), curve.key_pem())).find("unsupported curve"),
            std::string::npos);
  const Minted edwards = test::self_signed({.names = {"a.example.com"}, .key = KeyKind::ed25519});
  EXPECT_NE(refusal(Certificate::from_pem(edwards.certificate_pem(), edwards.key_pem())).find("neither RSA nor EC"),
            std::string::npos);
}

TEST(Certificate, RefusesAChainThatDoesNotConnect) {
  const Authority root("Root");
  const Minted minted = root.intermediate("Issuing").issue({.names = {"a.example.com"}});
  const Authority stranger = Authority("Other root").intermediate("Other issuing");
  const std::string refused =
      refusal(Certificate::from_pem(minted.certificate_pem() + stranger.pem(), minted.key_pem()));
  EXPECT_NE(refused.find("the chain is broken"), std::string::npos);
  EXPECT_NE(refused.find("CN=Issuing"), std::string::npos);
}

// An authority of the same name that did not sign the leaf: told apart by key identifier, or by signature without one.
TEST(Certificate, RefusesAnIssuerOfTheRightNameThatDidNotSign) {
  for (const bool key_identifiers : {true, false}) {
    const Minted minted =
        Authority("Root", key_identifiers).intermediate("Issuing").issue({.names = {"a.example.com"}});
    const Authority impostor = Authority("Root", key_identifiers).intermediate("Issuing");
    EXPECT_NE(
        refusal(Certificate::from_pem(minted.certificate_pem() + impostor.pem(), minted.key_pem())).find("broken"),
        std::string::npos);
  }
}

TEST(Certificate, RefusesMoreBlocksThanAnyChainHas) {
  const Minted minted = test::self_signed({.names = {"a.example.com"}});
  std::string many;
  for (int i = 0; i < 200; ++i) many += minted.certificate_pem();
  EXPECT_NE(refusal(Certificate::from_pem(many, minted.key_pem())).find("more than 128"), std::string::npos);
}

TEST(Certificate, RefusesAPfxThatIsNoneOrHasAnotherPassword) {
  EXPECT_NE(refusal(Certificate::from_pfx("garbage", "")).find("no PFX"), std::string::npos);
  const Minted minted = test::self_signed({.names = {"a.example.com"}});
  const auto wrong = Certificate::from_pfx(minted.pfx("right"), "wrong");
  EXPECT_EQ(refusal(wrong), "the password does not open the PFX");
  EXPECT_EQ(wrong.error().code, base::Code::refused);
  EXPECT_EQ(refusal(Certificate::from_pfx(minted.pfx("right"), "")), "the password does not open the PFX");
}

// ---- What is accepted

TEST(Certificate, AcceptsEveryKeyKindInEveryLayout) {
  for (const KeyKind kind :
       {KeyKind::ec_p256, KeyKind::ec_p384, KeyKind::ec_p521, KeyKind::rsa_2048, KeyKind::rsa_3072}) {
    const Minted minted = test::self_signed({.names = {"a.example.com"}, .key = kind});
    for (const std::string& key : {minted.key_pem(), minted.traditional_key_pem()}) {
      const auto read = Certificate::from_pem(minted.certificate_pem(), key);
      ASSERT_TRUE(read) << refusal(read);
      const Certificate::Material* material = (*read)->material();
      ASSERT_NE(material, nullptr);
      EXPECT_EQ(X509_cmp(material->leaf.get(), minted.certificate.get()), 0);
      EXPECT_EQ(X509_check_private_key(material->leaf.get(), material->key.get()), 1);
      EXPECT_EQ(EVP_PKEY_eq(material->key.get(), minted.key.get()), 1);
      EXPECT_EQ((*read)->facts().key_type, kind >= KeyKind::rsa_2048 ? KeyType::rsa : KeyType::ecdsa);
    }
  }
}

TEST(Certificate, DecodedMaterialSignsInAHandshake) {
  const Minted minted = test::self_signed({.names = {"a.example.com"}});
  const auto read = Certificate::from_pem(minted.certificate_pem(), minted.key_pem());
  const base::SslCtxPtr context(SSL_CTX_new(TLS_server_method()));
  const base::SslPtr ssl(SSL_new(context.get()));
  const auto* material = (*read)->material();
  EXPECT_EQ(SSL_use_cert_and_key(ssl.get(), material->leaf.get(), material->key.get(), material->chain, 1), 1);
}

TEST(Certificate, RestoresTheOrderOfAShuffledBundleAndDropsTheRootAndStrangers) {
  for (const bool key_identifiers : {true, false}) {
    const Authority root("Root", key_identifiers);
    const Authority upper = root.intermediate("Upper");
    const Authority lower = upper.intermediate("Lower");
    const Minted minted = lower.issue({.names = {"a.example.com"}});
    std::vector<std::string> blocks{
        root.pem(), upper.pem(), lower.pem(), minted.certificate_pem(), minted.key_pem(), Authority("Stranger").pem()};
    std::ranges::sort(blocks);
    for (int turn = 0; turn < 6; ++turn) {
      std::ranges::rotate(blocks, blocks.begin() + 1);
      std::string bundle;
      for (const std::string& block : blocks) bundle += "text between blocks\n" + block;
      const auto read = Certificate::from_pem(bundle, "");
      ASSERT_TRUE(read) << refusal(read);
      EXPECT_EQ((*read)->chain_pem(), minted.certificate_pem() + lower.pem() + upper.pem());
      EXPECT_TRUE((*read)->facts().chain_complete);
      EXPECT_EQ((*read)->material()->intermediates.size(), 2U);
    }
  }
}

TEST(Certificate, AcceptsALoneLeafAndSaysThatItsChainIsNotComplete) {
  const Minted minted = Authority("Root").intermediate("Issuing").issue({.names = {"a.example.com"}});
  const auto read = Certificate::from_pem(minted.certificate_pem(), minted.key_pem());
  ASSERT_TRUE(read) << refusal(read);
  EXPECT_FALSE((*read)->facts().chain_complete);
  EXPECT_TRUE((*Certificate::from_pem(minted.chain_pem(), minted.key_pem()))->facts().chain_complete);
}

TEST(Certificate, AcceptsTheSameContentAsCertificateAndAsKey) {
  const Minted minted = Authority("Root").intermediate("Issuing").issue({.names = {"a.example.com"}});
  const std::string secret =
      minted.key_pem() + minted.chain_pem();  // a Key Vault secret mounted as tls.crt and as tls.key
  const auto read = Certificate::from_pem(secret, secret);
  ASSERT_TRUE(read) << refusal(read);
  EXPECT_EQ((*read)->chain_pem(), minted.chain_pem());
}

TEST(Certificate, TakesTheNewestOfTwoLeavesWithOneKey) {
  const Authority root("Root");
  const auto key = test::make_key(KeyKind::ec_p256);
  const auto day = std::chrono::sys_days(std::chrono::year(2024) / 1 / 1);
  const Minted old = root.issue({.names = {"a.example.com"}, .not_before = day}, key);
  const Minted renewed = root.issue({.names = {"a.example.com"}, .not_before = day + std::chrono::days(60)}, key);
  for (const std::string& bundle :
       {old.certificate_pem() + renewed.certificate_pem(), renewed.certificate_pem() + old.certificate_pem()}) {
    const auto read = Certificate::from_pem(bundle + root.pem(), old.key_pem());
    ASSERT_TRUE(read) << refusal(read);
    EXPECT_EQ((*read)->chain_pem(), renewed.certificate_pem());
  }
}

TEST(Certificate, ReadsAPfxWithPasswordEmptyPasswordAndNone) {
  const Minted minted = Authority("Root").intermediate("Issuing").issue({.names = {"a.example.com"}});
  for (const char* password : {"secret", "", static_cast<const char*>(nullptr)}) {
    const auto read = Certificate::from_pfx(minted.pfx(password), password == nullptr ? "" : password);
    ASSERT_TRUE(read) << refusal(read);
    EXPECT_EQ((*read)->chain_pem(), minted.chain_pem());
    EXPECT_NE((*read)->material(), nullptr);
  }
}

TEST(Certificate, ReadsAPfxInBase64) {
  const Minted minted = test::self_signed({.names = {"a.example.com"}, .key = KeyKind::rsa_2048});
  const std::string pfx = minted.pfx("");
  std::string text(pfx.size() * 2, '\0');
  text.resize(static_cast<std::size_t>(EVP_EncodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                                                       reinterpret_cast<const unsigned char*>(pfx.data()),
                                                       static_cast<int>(pfx.size()))));
  const auto read = Certificate::from_pfx(text + "\n", "");
  ASSERT_TRUE(read) << refusal(read);
}

TEST(Certificate, ReadsAPfxWithOldCiphersWhereOpenSslHasThem) {
  const Minted minted =
      Authority("Root").intermediate("Issuing").issue({.names = {"a.example.com"}, .key = KeyKind::rsa_2048});
  const std::string pfx = minted.pfx("secret", Minted::Encryption::legacy);
  if (pfx.empty()) GTEST_SKIP() << "this OpenSSL has no legacy provider";
  const auto read = Certificate::from_pfx(pfx, "secret");
  ASSERT_TRUE(read) << refusal(read);
  EXPECT_EQ((*read)->chain_pem(), minted.chain_pem());
}

TEST(Certificate, WritesAKeyThatOthersCanRead) {
  for (const KeyKind kind : {KeyKind::ec_p256, KeyKind::ec_p521, KeyKind::rsa_2048}) {
    const Minted minted = test::self_signed({.names = {"a.example.com"}, .key = kind});
    const auto read = Certificate::from_pem(minted.certificate_pem(), minted.traditional_key_pem());
    const std::string pem = (*read)->key_pem();
    const base::BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
    const base::EvpPkeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
    ASSERT_NE(key, nullptr);
    EXPECT_EQ(EVP_PKEY_eq(key.get(), minted.key.get()), 1);
  }
}

TEST(Certificate, SharesIntermediatesBetweenCertificates) {
  const Authority issuing = Authority("Root").intermediate("Issuing");
  const auto read = [](const Minted& minted) { return *Certificate::from_pem(minted.chain_pem(), minted.key_pem()); };
  const CertificatePtr first = read(issuing.issue({.names = {"a.example.com"}}));
  const CertificatePtr second = read(issuing.issue({.names = {"b.example.com"}}));
  EXPECT_EQ(first->material()->intermediates[0], second->material()->intermediates[0]);
}

// ---- What is said about it

TEST(Certificate, TellsNamesInLowerCaseAndDropsWhatIsNoHostName) {
  const std::string long_label(64, 'a');
  const Minted minted =
      test::self_signed({.names = {"WWW.Example.COM", "*.example.com", "a_b.example.com", "192.0.2.7", "2001:db8::1",
                                   "bad name", "*.com", "w*.example.com", "a.*.example.com", "-a.example.com",
                                   long_label + ".example.com", "", "www.example.com"}});
  const auto read = Certificate::from_pem(minted.certificate_pem(), minted.key_pem());
  ASSERT_TRUE(read) << refusal(read);
  const Facts& facts = (*read)->facts();
  EXPECT_EQ(facts.dns_names, (std::vector<std::string>{"www.example.com", "*.example.com", "a_b.example.com"}));
  EXPECT_EQ(facts.ip_addresses, (std::vector<std::string>{"192.0.2.7", "2001:db8::1"}));
  EXPECT_EQ(facts.dropped_names, (std::vector<std::string>{"bad name", "*.com", "w*.example.com", "a.*.example.com",
                                                           "-a.example.com", long_label + ".example.com", ""}));
}

TEST(Certificate, TakesTheCommonNameOnlyWithoutAlternativeNames) {
  const Minted without = test::self_signed({.common_name = "CN.example.com", .subject_alternative_names = false});
  EXPECT_EQ((*Certificate::from_pem(without.certificate_pem(), without.key_pem()))->facts().dns_names,
            std::vector<std::string>{"cn.example.com"});
  const Minted with = test::self_signed({.names = {"192.0.2.7"}, .common_name = "cn.example.com"});
  EXPECT_TRUE((*Certificate::from_pem(with.certificate_pem(), with.key_pem()))->facts().dns_names.empty());
}

TEST(Certificate, TellsSubjectIssuerSerialAndDates) {
  const auto from = std::chrono::sys_days(std::chrono::year(2024) / 5 / 6);
  const Minted minted = Authority("Root").issue({.names = {"a.example.com"}, .not_before = from});
  const Minted endless = test::self_signed({.names = {"a.example.com"}});
  ASN1_TIME_set_string(X509_getm_notAfter(endless.certificate.get()), "99991231235959Z");
  X509_sign(endless.certificate.get(), endless.key.get(), EVP_sha256());
  const auto read = Certificate::from_pem(minted.certificate_pem(), minted.key_pem());
  const Facts& facts = (*read)->facts();
  EXPECT_EQ(facts.subject.common_name, "a.example.com");
  EXPECT_EQ(facts.issuer.common_name, "Root");
  EXPECT_EQ(facts.issuer.organization, "Minted");
  EXPECT_EQ(facts.not_before, base::SystemTime(from));
  EXPECT_EQ(facts.serial_decimal, std::to_string(ASN1_INTEGER_get(X509_get0_serialNumber(minted.certificate.get()))));
  EXPECT_EQ((*read)->fingerprint().size(), 64U);
  const auto long_lived = Certificate::from_pem(endless.certificate_pem(), endless.key_pem());
  ASSERT_TRUE(long_lived);
  EXPECT_GT((*long_lived)->facts().not_after, base::SystemTime(std::chrono::sys_days(std::chrono::year(2200) / 1 / 1)));
}

}  // namespace
}  // namespace certstore
