// Application Gateways for tests: the published examples, and documents made of a few parts.
#pragma once

#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "base/openssl.h"
#include "tests/support/mint.h"

namespace test {

inline const std::string gateway_id =
    "/subscriptions/subid/resourceGroups/rg1/providers/Microsoft.Network/applicationGateways/appgw";

// What stands in tests/data/azure/FILE.
inline std::string azure_data(const std::string& file) {
  std::ifstream in(std::string(SEKISHO_SOURCE_DIR) + "/tests/data/azure/" + file);
  return {std::istreambuf_iterator<char>(in), {}};
}

// The body of the published answer of 200.
inline nlohmann::ordered_json published_gateway() {
  const auto example =
      nlohmann::ordered_json::parse(azure_data("network-2021-02-01/examples/ApplicationGatewayGet.json"));
  return example["responses"]["200"]["body"];
}

inline std::string der_of(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return bytes;
}

// publicCertData as the gateway shows it: a PKCS#7 of all of them, in base64.
inline std::string public_data(const std::vector<const X509*>& certificates) {
  PKCS7* envelope = PKCS7_new();
  PKCS7_set_type(envelope, NID_pkcs7_signed);
  PKCS7_content_new(envelope, NID_pkcs7_data);
  for (const X509* certificate : certificates) PKCS7_add_certificate(envelope, const_cast<X509*>(certificate));
  unsigned char* der = nullptr;
  const int size = i2d_PKCS7(envelope, &der);
  const std::string bytes(reinterpret_cast<const char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  PKCS7_free(envelope);
  return base::to_base64(bytes);
}

inline std::string public_data(const Minted& minted) {
  std::vector<const X509*> all;
  for (const auto& intermediate : minted.intermediates) all.push_back(intermediate.get());
  all.push_back(minted.certificate.get());
  return public_data(all);
}

inline nlohmann::ordered_json gateway_certificate(const std::string& name, const std::string& data) {
  return {{"name", name},
          {"id", gateway_id + "/sslCertificates/" + name},
          {"etag", "W/\"1\""},
          {"properties", {{"provisioningState", "Succeeded"}, {"publicCertData", data}}}};
}

inline nlohmann::ordered_json gateway_listener(const std::string& name, const std::string& host,
                                               const std::string& certificate) {
  nlohmann::ordered_json listener{
      {"name", name}, {"id", gateway_id + "/httpListeners/" + name}, {"properties", {{"protocol", "Https"}}}};
  if (!host.empty()) listener["properties"]["hostName"] = host;
  if (!certificate.empty()) {
    listener["properties"]["sslCertificate"]["id"] = gateway_id + "/sslCertificates/" + certificate;
  }
  return listener;
}

inline nlohmann::ordered_json gateway_with(const std::vector<nlohmann::ordered_json>& certificates,
                                           const std::vector<nlohmann::ordered_json>& listeners = {}) {
  return {{"name", "appgw"},
          {"id", gateway_id},
          {"properties",
           {{"provisioningState", "Succeeded"},
            {"operationalState", "Running"},
            {"sslCertificates", certificates},
            {"httpListeners", listeners}}}};
}

}  // namespace test
