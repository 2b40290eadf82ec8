// RenewalInfo: when the CA would like a certificate to be renewed. RFC 9773 §4.2.
#pragma once

#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "certstore/certificate.h"

namespace acme {

struct RenewalInfo {
  base::SystemTime start;
  base::SystemTime end;  // after `start`
  std::string explanation_url;
  friend bool operator==(const RenewalInfo&, const RenewalInfo&) = default;
};

// RFC 9773 §4.2: a window whose end is not after its start is no answer: `protocol`. `json` is controlled by the CA.
[[nodiscard]] base::Result<RenewalInfo> renewal_info_from(const nlohmann::json& json);

// RFC 9773 §4.1: base64url(AKI keyIdentifier) "." base64url(serial number as in DER). `not_found` if the certificate
// has no authority key identifier.
[[nodiscard]] base::Result<std::string> renewal_id_of(const certstore::Certificate& certificate);

}  // namespace acme
