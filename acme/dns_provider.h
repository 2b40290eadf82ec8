// Which DnsZone an issuer's configuration means.
#pragma once

#include <functional>
#include <memory>

#include "acme/dns_zone.h"
#include "base/error.h"
#include "config/issuers.h"

namespace acme {

// Zones of Azure DNS, of which nothing is known here. Any thread.
using AzureZones = std::function<base::Result<std::shared_ptr<DnsZone>>(const config::AzureDns&)>;

// `azure` may be empty: then there are none. Errors: `invalid` without `dns`, or with something in it that cannot be
// read.
[[nodiscard]] base::Result<std::shared_ptr<DnsZone>> dns_zone_of(const config::AcmeIssuer& issuer,
                                                                 const AzureZones& azure);

}  // namespace acme
