#include "certstore/facts.h"

#include <algorithm>
#include <ctime>
#include <limits>
#include <memory>
#include <string>
#include <utility>

#include "base/ip_network.h"
#include "certstore/host_name.h"

namespace certstore {
namespace {

using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, base::Freed<GENERAL_NAMES_free>>;
using BnPtr = std::unique_ptr<BIGNUM, base::Freed<BN_free>>;
using MdPtr = std::unique_ptr<EVP_MD, base::Freed<EVP_MD_free>>;
using ProviderPtr = std::unique_ptr<OSSL_PROVIDER, base::Freed<OSSL_PROVIDER_unload>>;
using LibraryPtr = std::unique_ptr<OSSL_LIB_CTX, base::Freed<OSSL_LIB_CTX_free>>;

// X.520 bounds these at 64 characters; what is longer is cut, for it ends up in labels of metrics.
constexpr std::size_t longest_name_part = 128;
// Names that are dropped are shown to people: a few, cut, and only printable.
constexpr std::size_t most_dropped_names = 8;

// A library context without any algorithm. OpenSSL then has no decoder to try on the public key.
class EmptyLibrary {
 public:
  EmptyLibrary() : library_(OSSL_LIB_CTX_new()), null_(OSSL_PROVIDER_load(library_.get(), "null")) {}
  [[nodiscard]] OSSL_LIB_CTX* get() const noexcept { return library_.get(); }

 private:
  LibraryPtr library_;
  ProviderPtr null_;
};

std::string printable(std::string_view text) {
  std::string out(text.substr(0, longest_name_part));
  std::ranges::replace_if(out, [](char c) { return c < 0x20 || c == 0x7f; }, '?');
  return out;
}

std::string name_part(const X509_NAME* name, int nid, bool last) {
  int at = X509_NAME_get_index_by_NID(name, nid, -1);
  if (at < 0) return {};
  for (int next = at; last && next >= 0; next = X509_NAME_get_index_by_NID(name, nid, next)) at = next;
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) return {};
  std::string text = printable({reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size)});
  OPENSSL_free(utf8);
  return text;
}

// Go's x509 package, and so x509-certificate-exporter, takes the first of each but the last common name.
DistinguishedName distinguished_name(const X509_NAME* name) {
  return {.country = name_part(name, NID_countryName, false),
          .state = name_part(name, NID_stateOrProvinceName, false),
          .locality = name_part(name, NID_localityName, false),
          .organization = name_part(name, NID_organizationName, false),
          .organizational_unit = name_part(name, NID_organizationalUnitName, false),
          .common_name = name_part(name, NID_commonName, true)};
}

// RFC 5280 §4.1.2.5: 99991231235959Z means "no end"; nanoseconds in 64 bits end in 2262, so later times are cut to
// that.
base::SystemTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  constexpr std::int64_t furthest = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 - 1;
  const auto seconds = std::clamp<std::int64_t>(timegm(&parts), -furthest, furthest);
  return base::SystemTime(std::chrono::seconds(seconds));
}

void add_host_name(Facts& facts, std::string_view name) {
  if (auto canonical = canonical_host_name(name)) {
    if (std::ranges::find(facts.dns_names, *canonical) == facts.dns_names.end())
      facts.dns_names.push_back(std::move(*canonical));
  } else if (facts.dropped_names.size() < most_dropped_names) {
    facts.dropped_names.push_back(printable(name));
  }
}

std::string_view bytes_of(const ASN1_STRING* text) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(text)),
          static_cast<std::size_t>(ASN1_STRING_length(text))};
}

void add_address(Facts& facts, std::string_view octets) {
  std::array<std::uint8_t, 16> bytes{};
  if (octets.size() != 4 && octets.size() != 16) return;
  std::ranges::copy(octets, bytes.begin());
  const std::uint32_t four =
      (std::uint32_t{bytes[0]} << 24U) | (std::uint32_t{bytes[1]} << 16U) | (std::uint32_t{bytes[2]} << 8U) | bytes[3];
  facts.ip_addresses.push_back(
      (octets.size() == 4 ? base::IpAddress::v4(four) : base::IpAddress::v6(bytes)).to_string());
}

// RFC 6125 §6.4.4: the common name counts only where there is no subjectAltName.
void read_names(const X509* certificate, Facts& facts) {
  const GeneralNamesPtr names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, nullptr, nullptr)));
  if (!names) {
    if (!facts.subject.common_name.empty()) add_host_name(facts, facts.subject.common_name);
    return;
  }
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names.get(), i);
    if (name->type == GEN_DNS) add_host_name(facts, bytes_of(name->d.dNSName));
    if (name->type == GEN_IPADD) add_address(facts, bytes_of(name->d.iPAddress));
  }
}

void read_serial(const X509* certificate, Facts& facts) {
  const BnPtr serial(ASN1_INTEGER_to_BN(X509_get0_serialNumber(certificate), nullptr));
  if (!serial || BN_num_bytes(serial.get()) > 64) return;
  char* hex = BN_bn2hex(serial.get());
  char* decimal = BN_bn2dec(serial.get());
  if (hex != nullptr) facts.serial_hex = hex;
  if (decimal != nullptr) facts.serial_decimal = decimal;
  OPENSSL_free(hex);
  OPENSSL_free(decimal);
}

}  // namespace

base::X509Ptr parse_without_key(der::Bytes bytes) {
  static const EmptyLibrary empty;
  X509* certificate = X509_new_ex(empty.get(), nullptr);
  const unsigned char* data = bytes.data();
  const X509* parsed = d2i_X509(&certificate, &data, static_cast<long>(bytes.size()));
  ERR_clear_error();                      // the decoder that was not found has left its complaint
  if (parsed == nullptr) return nullptr;  // d2i_X509 has freed it
  return base::X509Ptr(certificate);
}

Facts read_facts(const X509* certificate, der::Bytes bytes) {
  Facts facts;
  facts.subject = distinguished_name(X509_get_subject_name(certificate));
  facts.issuer = distinguished_name(X509_get_issuer_name(certificate));
  facts.not_before = time_of(X509_get0_notBefore(certificate));
  facts.not_after = time_of(X509_get0_notAfter(certificate));
  facts.sha256 = sha256(bytes);
  read_serial(certificate, facts);
  read_names(certificate, facts);
  return facts;
}

std::array<std::uint8_t, 32> sha256(der::Bytes bytes) {
  static const MdPtr algorithm(EVP_MD_fetch(nullptr, "SHA256", nullptr));  // fetching takes longer than hashing
  std::array<std::uint8_t, 32> digest{};
  EVP_Digest(bytes.data(), bytes.size(), digest.data(), nullptr, algorithm.get(), nullptr);
  return digest;
}

}  // namespace certstore
