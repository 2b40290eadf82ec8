// Issuers and issued certificates for /api/config: what the configuration says of them, files by their names only.
#pragma once

#include <map>
#include <string>

#include "app/api.h"
#include "config/issuers.h"

namespace app {

[[nodiscard]] Json issued_certificate_json(const config::IssuedCertificate& certificate);
[[nodiscard]] Json issuers_json(const std::map<std::string, config::Issuer>& issuers);

}  // namespace app
