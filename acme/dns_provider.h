// Which DnsZone an issuer's configuration means.
#pragma once

#include <memory>

#include "acme/dns_zone.h"
#include "base/error.h"
#include "config/issuers.h"

namespace acme {

// Errors: `invalid` without `dns`, or with something in it that cannot be read.
[[nodiscard]] base::Result<std::shared_ptr<DnsZone>> dns_zone_of(const config::AcmeIssuer& issuer);

}  // namespace acme
