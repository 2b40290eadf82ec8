#include "acme/renewal_info.h"

#include <cstddef>
#include <string_view>

#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/base64.h"
#include "base/openssl.h"
#include "certstore/der.h"

namespace acme {
namespace {

// The content of the serial number's DER, a leading zero included.
std::string serial_bytes(const X509* leaf) {
  const ASN1_INTEGER* serial = X509_get0_serialNumber(leaf);
  const int size = i2d_ASN1_INTEGER(serial, nullptr);
  if (size <= 0) return {};
  std::string encoded(static_cast<std::size_t>(size), '\0');
  auto* out = reinterpret_cast<unsigned char*>(encoded.data());
  i2d_ASN1_INTEGER(serial, &out);
  certstore::der::Reader reader({reinterpret_cast<const std::uint8_t*>(encoded.data()), encoded.size()});
  const auto content = reader.take(certstore::der::integer);
  return content ? std::string(content->begin(), content->end()) : std::string();
}

}  // namespace

base::Result<RenewalInfo> renewal_info_from(const nlohmann::json& json) {
  const auto* const window = member(json, "suggestedWindow");
  if (window == nullptr || !window->is_object()) return lacks("renewal information", "suggestedWindow");
  const auto start = time_member(*window, "start");
  const auto end = time_member(*window, "end");
  if (!start || !end) return lacks("renewal information", start ? "end" : "start");
  // RFC 9773 §4.2: "A RenewalInfo object in which the end timestamp equals or precedes the start timestamp is invalid."
  if (*end <= *start) {
    return base::fail(base::Code::protocol, "the renewal window ends before it begins", base::Origin::upstream,
                      base::Retry::later);
  }
  return RenewalInfo{*start, *end, shown_member(json, "explanationURL")};
}

base::Result<std::string> renewal_id_of(const certstore::Certificate& certificate) {
  const auto* const material = certificate.material();
  if (material == nullptr) return base::fail(base::Code::internal, "the certificate cannot be decoded");
  const ASN1_OCTET_STRING* key_id = X509_get0_authority_key_id(material->leaf.get());
  if (key_id == nullptr || ASN1_STRING_length(key_id) == 0) {
    return base::fail(base::Code::not_found, "the certificate has no authority key identifier");
  }
  const std::string_view bytes(reinterpret_cast<const char*>(ASN1_STRING_get0_data(key_id)),
                               static_cast<std::size_t>(ASN1_STRING_length(key_id)));
  return base::to_base64url(bytes) + '.' + base::to_base64url(serial_bytes(material->leaf.get()));
}

}  // namespace acme
