#include "acme/csr.h"

#include <gtest/gtest.h>

#include "base/openssl.h"
#include "certstore/general_names.h"

namespace acme {
namespace {

using Type = config::CertificateKey::Type;
using ReqPtr = std::unique_ptr<X509_REQ, base::Freed<X509_REQ_free>>;

ReqPtr parsed(const std::string& der) {
  const auto* data = reinterpret_cast<const unsigned char*>(der.data());
  return ReqPtr(d2i_X509_REQ(nullptr, &data, static_cast<long>(der.size())));
}

std::vector<std::string> names_of(X509_REQ* request) {
  STACK_OF(X509_EXTENSION)* extensions = X509_REQ_get_extensions(request);
  const certstore::GeneralNamesPtr names(
      static_cast<GENERAL_NAMES*>(X509V3_get_d2i(extensions, NID_subject_alt_name, nullptr, nullptr)));
  sk_X509_EXTENSION_pop_free(extensions, X509_EXTENSION_free);
  std::vector<std::string> found;
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    const ASN1_STRING* text = name->type == GEN_DNS ? name->d.dNSName : name->d.iPAddress;
    found.push_back((name->type == GEN_DNS ? "dns:" : "ip:") +
                    std::string(reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
                                static_cast<std::size_t>(ASN1_STRING_length(text))));
  }
  return found;
}

TEST(CertificateRequest, RefusesToAskForNothing) {
  EXPECT_FALSE(make_csr(make_certificate_key(Type::ecdsa, 0).value(), {}));
}

TEST(CertificateRequest, RefusesAKeyThatIsNone) {
  EXPECT_FALSE(make_csr("", identifiers_of({"a.example"})));
  EXPECT_FALSE(
      make_csr("-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n", identifiers_of({"a.example"})));
  EXPECT_FALSE(make_certificate_key(Type::rsa, 1024));
}

TEST(CertificateRequest, AsksForEveryNameAndHasNoCommonName) {
  const std::string key = make_certificate_key(Type::ecdsa, 0).value();
  const std::string der =
      make_csr(key, identifiers_of({"b.example", "*.a.example", "192.0.2.1", "2001:db8::1"})).value();
  const ReqPtr request = parsed(der);
  ASSERT_TRUE(request);
  EXPECT_EQ(X509_NAME_entry_count(X509_REQ_get_subject_name(request.get())), 0);
  EXPECT_EQ(X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())), 1);
  const std::vector<std::string> expected{
      "dns:*.a.example", "dns:b.example", std::string("ip:\xc0\x00\x02\x01", 7),
      std::string("ip:\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01", 19)};
  EXPECT_EQ(names_of(request.get()), expected);
}

TEST(CertificateRequest, IsSignedByAnRsaKeyToo) {
  const std::string der =
      make_csr(make_certificate_key(Type::rsa, 2048).value(), identifiers_of({"a.example"})).value();
  const ReqPtr request = parsed(der);
  ASSERT_TRUE(request);
  EXPECT_EQ(EVP_PKEY_get_bits(X509_REQ_get0_pubkey(request.get())), 2048);
  EXPECT_EQ(X509_REQ_verify(request.get(), X509_REQ_get0_pubkey(request.get())), 1);
}

}  // namespace
}  // namespace acme
