// Which zone of Azure DNS a configuration means, and as who it is written.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

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

// What can be known of our rights there without writing, as azure/examination has it. Blocking.
[[nodiscard]] base::Result<std::string> examine_zone_of(const config::AzureDns& zone, const config::Azure& azure,
                                                        std::shared_ptr<const Services> services,
                                                        const base::Clock& clock, const std::stop_token& stop);

}  // namespace azure
