// Challenges: what ACME has to find on this fleet at this moment. Immutable; part of the snapshot. Filled by the ACME
// issue; the data plane answers from it already.
#pragma once

#include <string>
#include <unordered_map>

#include "certstore/certificate.h"

namespace certstore {

struct Challenges {
  std::unordered_map<std::string, std::string> http01;         // token -> key authorization, RFC 8555 §8.3
  std::unordered_map<std::string, CertificatePtr> tls_alpn01;  // server name -> certificate, RFC 8737 §3
  [[nodiscard]] bool empty() const noexcept { return http01.empty() && tls_alpn01.empty(); }
};

}  // namespace certstore
