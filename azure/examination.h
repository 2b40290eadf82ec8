// What can be known of our rights on what is written, without writing: for `sekisho doctor`. What a read cannot show is
// said. Any thread. All block, with the client's deadline.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "azure/dns_zone.h"
#include "azure/services.h"
#include "base/error.h"
#include "config/azure.h"

namespace azure {

// "its certificates may be read; …". Errors: a sentence that names what is missing.
[[nodiscard]] base::Result<std::string> examine_vault(std::shared_ptr<const Services> services,
                                                      const config::KeyVaultMirror& mirror,
                                                      const std::stop_token& stop);
// The same of a gateway, and whether it can be written now.
[[nodiscard]] base::Result<std::string> examine_gateway(const Services& services,
                                                        const config::ApplicationGatewayMirror& mirror,
                                                        const std::stop_token& stop);
// The same of the zone that is configured, or of the list in which it is looked for.
[[nodiscard]] base::Result<std::string> examine_zone(Client& client, const DnsZoneOptions& zone,
                                                     const std::stop_token& stop);

}  // namespace azure
