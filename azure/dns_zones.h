// Which zone of Azure DNS a configuration means, and as who it is written.
#pragma once

#include <memory>

#include "acme/dns_zone.h"
#include "azure/services.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/azure.h"

namespace azure {

// As the identity of the process (`services`), unless `zone` names another cloud, a managed identity by its resource id
// or an application with a secret. Errors: files that cannot be read. Blocking: reads a file of CAs.
[[nodiscard]] base::Result<std::shared_ptr<acme::DnsZone>> dns_zone_of(const config::AzureDns& zone,
                                                                       const config::Azure& azure,
                                                                       std::shared_ptr<const Services> services,
                                                                       const base::Clock& clock);

}  // namespace azure
