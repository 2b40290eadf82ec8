#include "acme/jws.h"

#include <gtest/gtest.h>
#include <openssl/ec.h>
#include <openssl/hmac.h>

#include <array>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "certstore/issuance.h"
#include "certstore/pem.h"
#include "tests/support/mint.h"

namespace acme {
namespace {

using BnPtr = std::unique_ptr<BIGNUM, base::Freed<BN_free>>;

// RFC 7515 §A.2 and §A.3: the examples' keys, as they are printed there.
constexpr std::string_view rfc_input =
    "eyJhbGciOiJSUzI1NiJ9."
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
constexpr std::string_view rfc_rs256_signature =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1d"
    "nZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwu"
    "sC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_"
    "IoypGlUPQGe77Rw";
constexpr std::string_view rsa_n =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgN"
    "MsD1W_YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xs"
    "mtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_"
    "h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
constexpr std::string_view rsa_d =
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMgvfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1"
    "O0BkTGoVEn2bKVRUCgu-GjBVaYLU6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHHzQlBjudU2QvXt4e"
    "hNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9pIuhLhBOneufuBiB4cS98l2SR_"
    "RQyGWSeWjnczT0QU91p1DhOVRuOopznQ";
constexpr std::string_view rsa_p =
    "4BzEEOtIpmVdVEZNCqS7baC4crd0pqnRH_5IB3jw3bcxGn6QLvnEtfdUdiYrqBdss1l58BQ3KhooKeQTa9AB0Hw_Py5PJdTJNPY8cQn7ouZ2KKDcmn"
    "PGBY5t7yLc1QlQ5xHdwW1VhvKn-nXqhJTBgIPgtldC-KDV5z-y2XDwGUc";
constexpr std::string_view rsa_q =
    "uQPEfgmVtjL0Uyyx88GZFF1fOunH3-7cepKmtH4pxhtCoHqpWmT8YAmZxaewHgHAjLYsp1ZSe7zFYHj7C6ul7TjeLQeZD_YwD66t62wDmpe_HlB-Tn"
    "BA-njbglfIsRLtXlnDzQkv5dTltRJ11BKBBypeeF6689rjcJIDEz9RWdc";
constexpr std::string_view ec_d = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";

BnPtr number(std::string_view base64url) {
  const std::string bytes = base::from_base64url(base64url).value();
  return BnPtr(
      BN_bin2bn(reinterpret_cast<const unsigned char*>(bytes.data()), static_cast<int>(bytes.size()), nullptr));
}

void append_integer(certstore::SecretBytes& out, const BIGNUM* value) {
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(BN_num_bytes(value)) + 1);
  BN_bn2binpad(value, bytes.data(), static_cast<int>(bytes.size()));
  const std::span<const std::uint8_t> all(bytes);
  certstore::der::append(out, certstore::der::integer, bytes.size() > 1 && bytes[1] < 0x80 ? all.subspan(1) : all);
}

// RFC 8017 §A.1.2; the exponents of the primes are computed.
AccountKey rfc_rsa_key() {
  const std::unique_ptr<BN_CTX, base::Freed<BN_CTX_free>> context(BN_CTX_new());
  const BnPtr d = number(rsa_d), p = number(rsa_p), q = number(rsa_q);
  const BnPtr p1(BN_dup(p.get())), q1(BN_dup(q.get())), dp(BN_new()), dq(BN_new());
  BN_sub_word(p1.get(), 1);
  BN_sub_word(q1.get(), 1);
  BN_mod(dp.get(), d.get(), p1.get(), context.get());
  BN_mod(dq.get(), d.get(), q1.get(), context.get());
  const BnPtr qinv(BN_mod_inverse(nullptr, q.get(), p.get(), context.get()));
  const BnPtr n = number(rsa_n), e = number("AQAB"), version(BN_new());
  certstore::SecretBytes fields, der;
  for (const BnPtr* value : {&version, &n, &e, &d, &p, &q, &dp, &dq, &qinv}) {
    if (value == &version) {
      certstore::der::append(fields, certstore::der::integer, std::array<std::uint8_t, 1>{0});
    } else {
      append_integer(fields, value->get());
    }
  }
  certstore::der::append(der, certstore::der::sequence, fields);
  return AccountKey::from_pem(certstore::write_pem("RSA PRIVATE KEY", der)).value();
}

// RFC 5915 §3, without the public key: that is derived.
AccountKey rfc_ec_key() {
  const std::string scalar = base::from_base64url(ec_d).value();
  certstore::SecretBytes fields, parameters, der;
  certstore::der::append(fields, certstore::der::integer, std::array<std::uint8_t, 1>{1});
  certstore::der::append(fields, certstore::der::octet_string,
                         {reinterpret_cast<const std::uint8_t*>(scalar.data()), scalar.size()});
  certstore::der::append(parameters, certstore::der::object_identifier,
                         std::array<std::uint8_t, 8>{0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07});
  certstore::der::append(fields, certstore::der::context_0, parameters);
  certstore::der::append(der, certstore::der::sequence, fields);
  return AccountKey::from_pem(certstore::write_pem("EC PRIVATE KEY", der)).value();
}

// Whether a raw ECDSA signature is one of `key` (PEM) over `input`.
bool verifies(const AccountKey& key, const EVP_MD* digest, std::string_view input, const std::string& raw) {
  const std::string pem = key.pem();
  const base::BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  const base::EvpPkeyPtr decoded(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  const auto half = static_cast<int>(raw.size() / 2);
  const auto* bytes = reinterpret_cast<const unsigned char*>(raw.data());
  const std::unique_ptr<ECDSA_SIG, base::Freed<ECDSA_SIG_free>> pair(ECDSA_SIG_new());
  ECDSA_SIG_set0(pair.get(), BN_bin2bn(bytes, half, nullptr), BN_bin2bn(bytes + half, half, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  const std::unique_ptr<EVP_MD_CTX, base::Freed<EVP_MD_CTX_free>> context(EVP_MD_CTX_new());
  EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, decoded.get());
  const bool good = EVP_DigestVerify(context.get(), der, static_cast<std::size_t>(size),
                                     reinterpret_cast<const unsigned char*>(input.data()), input.size()) == 1;
  OPENSSL_free(der);
  return good;
}

std::string pem_of(test::KeyKind kind) {
  return certstore::write_pem("PRIVATE KEY", certstore::pkcs8_of(test::make_key(kind).get()));
}

TEST(AccountKey, RefusesWhatNoCaTakes) {
  EXPECT_FALSE(AccountKey::from_pem(""));
  EXPECT_FALSE(AccountKey::from_pem("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"));
  EXPECT_FALSE(AccountKey::from_pem(pem_of(test::KeyKind::ec_p521)));
  EXPECT_FALSE(AccountKey::from_pem(pem_of(test::KeyKind::rsa_1024)));
  EXPECT_FALSE(AccountKey::from_pem(pem_of(test::KeyKind::ed25519)));
}

TEST(AccountKey, RefusesTwoKeysForOne) {
  EXPECT_FALSE(AccountKey::from_pem(pem_of(test::KeyKind::ec_p256) + pem_of(test::KeyKind::ec_p256)));
}

TEST(AccountKey, SignsAsRfc7515A2Does) {
  const AccountKey key = rfc_rsa_key();
  EXPECT_EQ(key.algorithm(), "RS256");
  EXPECT_EQ(base::to_base64url(key.sign(rfc_input).value()), rfc_rs256_signature);
  EXPECT_EQ(key.jwk(), nlohmann::json({{"kty", "RSA"}, {"n", rsa_n}, {"e", "AQAB"}}));
}

TEST(AccountKey, HasThePublicHalfOfRfc7515A3) {
  const AccountKey key = rfc_ec_key();
  EXPECT_EQ(key.algorithm(), "ES256");
  EXPECT_EQ(key.jwk(), nlohmann::json({{"kty", "EC"},
                                       {"crv", "P-256"},
                                       {"x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"},
                                       {"y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}}));
  EXPECT_EQ(key.thumbprint(), "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
  EXPECT_EQ(key.key_authorization("token"), "token.oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

TEST(AccountKey, MakesRawSignaturesOfTheFieldsLength) {
  const AccountKey small = rfc_ec_key();
  const AccountKey large = AccountKey::from_pem(pem_of(test::KeyKind::ec_p384)).value();
  EXPECT_EQ(large.algorithm(), "ES384");
  for (int i = 0; i < 300; ++i) {  // one in 128 has an r or s with a zero in front
    const std::string input = "input " + std::to_string(i);
    const std::string signature = small.sign(input).value();
    ASSERT_EQ(signature.size(), 64U);
    ASSERT_TRUE(verifies(small, EVP_sha256(), input, signature));
  }
  EXPECT_EQ(large.sign("input").value().size(), 96U);
  EXPECT_TRUE(verifies(large, EVP_sha384(), "input", large.sign("input").value()));
}

TEST(AccountKey, SurvivesStorage) {
  const AccountKey key = AccountKey::make().value();
  const AccountKey again = AccountKey::from_pem(key.pem()).value();
  EXPECT_TRUE(again.same_as(key));
  EXPECT_FALSE(again.same_as(AccountKey::make().value()));
  EXPECT_EQ(again.thumbprint(), key.thumbprint());
}

TEST(Jws, HoldsTheKeyOrItsAccountButNotBoth) {
  const AccountKey key = rfc_ec_key();
  const auto header_of = [](const std::string& jws) {
    return nlohmann::json::parse(
        base::from_base64url(nlohmann::json::parse(jws)["protected"].get<std::string>()).value());
  };
  EXPECT_EQ(header_of(sign_jws(key, {"https://ca/x", "bm9uY2U", ""}, "").value()),
            nlohmann::json({{"alg", "ES256"}, {"url", "https://ca/x"}, {"nonce", "bm9uY2U"}, {"jwk", key.jwk()}}));
  EXPECT_EQ(header_of(sign_jws(key, {"https://ca/x", "", "https://ca/1"}, "{}").value()),
            nlohmann::json({{"alg", "ES256"}, {"url", "https://ca/x"}, {"kid", "https://ca/1"}}));
}

TEST(Jws, SignsWhatItSends) {
  const AccountKey key = rfc_ec_key();
  const auto jws = nlohmann::json::parse(sign_jws(key, {"https://ca/x", "bm9uY2U", ""}, "{}").value());
  EXPECT_EQ(jws["payload"], "e30");
  const std::string input = jws["protected"].get<std::string>() + ".e30";
  EXPECT_TRUE(verifies(key, EVP_sha256(), input, base::from_base64url(jws["signature"].get<std::string>()).value()));
}

TEST(ExternalAccount, RefusesAKeyThatIsNotBase64) {
  EXPECT_FALSE(external_account_binding(rfc_ec_key(), "kid", "not base64!", "https://ca/new"));
  EXPECT_FALSE(external_account_binding(rfc_ec_key(), "kid", "", "https://ca/new"));
}

TEST(ExternalAccount, BindsTheAccountKeyWithTheGivenOne) {
  // RFC 7515 §A.1's key, as a CA may print it: base64url, or base64 with padding and a line break.
  const std::string plain = "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow";
  const std::string secret = base::from_base64url(plain).value();
  const AccountKey key = rfc_ec_key();
  const auto binding = external_account_binding(key, "kid-1", plain, "https://ca/new").value();
  EXPECT_EQ(nlohmann::json::parse(base::from_base64url(binding["protected"].get<std::string>()).value()),
            nlohmann::json({{"alg", "HS256"}, {"kid", "kid-1"}, {"url", "https://ca/new"}}));
  EXPECT_EQ(nlohmann::json::parse(base::from_base64url(binding["payload"].get<std::string>()).value()), key.jwk());
  const std::string input = binding["protected"].get<std::string>() + '.' + binding["payload"].get<std::string>();
  std::array<char, 32> mac{};
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
       reinterpret_cast<const unsigned char*>(input.data()), input.size(), reinterpret_cast<unsigned char*>(mac.data()),
       nullptr);
  EXPECT_EQ(binding["signature"], base::to_base64url({mac.data(), mac.size()}));
  EXPECT_EQ(external_account_binding(key, "kid-1", base::to_base64(secret) + "\n", "https://ca/new").value(), binding);
}

}  // namespace
}  // namespace acme
