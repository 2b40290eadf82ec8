#include "acme/renewal_info.h"

#include <gtest/gtest.h>

#include <array>

#include <nlohmann/json.hpp>

#include "certstore/issuance.h"
#include "certstore/pem.h"
#include "tests/support/mint.h"

namespace acme {
namespace {

// The example of RFC 9773 §4.1: a certificate with this key identifier and this serial number, signed by itself.
certstore::CertificatePtr example() {
  constexpr std::array<unsigned char, 20> key_id{0x69, 0x88, 0x5b, 0x6b, 0x87, 0x46, 0x40, 0x41, 0xe1, 0xb3,
                                                 0x7b, 0x84, 0x7b, 0xa0, 0xae, 0x2c, 0xde, 0x01, 0xc8, 0xd4};
  const auto minted = test::self_signed({.names = {"a.example"}, .key_identifiers = false});
  X509* const x509 = minted.certificate.get();
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(x509), 0x87654321U);
  const std::unique_ptr<AUTHORITY_KEYID, base::Freed<AUTHORITY_KEYID_free>> authority(AUTHORITY_KEYID_new());
  authority->keyid = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(authority->keyid, key_id.data(), key_id.size());
  X509_add1_ext_i2d(x509, NID_authority_key_identifier, authority.get(), 0, 0);
  X509_sign(x509, minted.key.get(), EVP_sha256());
  return certstore::Certificate::from_pem(minted.certificate_pem(), minted.key_pem()).value();
}

TEST(RenewalInfo, RefusesAWindowThatEndsBeforeItBegins) {
  for (const char* end : {"2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"}) {
    const nlohmann::json json{{"suggestedWindow", {{"start", "2026-01-02T00:00:00Z"}, {"end", end}}}};
    ASSERT_FALSE(renewal_info_from(json));
    EXPECT_EQ(renewal_info_from(json).error().code, base::Code::protocol);
  }
}

TEST(RenewalInfo, RefusesWhatIsNoWindow) {
  for (const char* text :
       {"null", "[]", "{}", R"({"suggestedWindow":[]})", R"({"suggestedWindow":{"start":1,"end":2}})",
        R"({"suggestedWindow":{"start":"2026-01-02T00:00:00Z"}})"}) {
    EXPECT_FALSE(renewal_info_from(nlohmann::json::parse(text))) << text;
  }
}

TEST(RenewalInfo, ReadsAWindow) {
  const auto info = renewal_info_from(nlohmann::json::parse(
      R"({"suggestedWindow":{"start":"2025-01-02T04:00:00Z","end":"2025-01-03T04:00:00+00:00"},
          "explanationURL":"https://acme.example.com/docs/ari"})"));
  ASSERT_TRUE(info);
  EXPECT_EQ(info->end - info->start, std::chrono::hours(24));
  EXPECT_EQ(info->explanation_url, "https://acme.example.com/docs/ari");
}

TEST(RenewalId, NeedsAnAuthorityKeyIdentifier) {
  const auto minted = test::self_signed({.names = {"a.example"}, .key_identifiers = false});
  const auto certificate = certstore::Certificate::from_pem(minted.certificate_pem(), minted.key_pem()).value();
  ASSERT_FALSE(renewal_id_of(*certificate));
  EXPECT_EQ(renewal_id_of(*certificate).error().code, base::Code::not_found);
}

TEST(RenewalId, IsThatOfTheRfc) {
  EXPECT_EQ(renewal_id_of(*example()).value(), "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
}

}  // namespace
}  // namespace acme
