// Azure DNS as a place where TXT records can be written, for DNS-01 challenges.
#pragma once

#include <chrono>
#include <memory>
#include <string>

#include "acme/dns_zone.h"
#include "azure/client.h"
#include "azure/cloud.h"
#include "base/error.h"
#include "config/azure.h"

namespace azure {

struct DnsZoneOptions {
  config::AzureDns config;
  std::string resource_manager;  // URL without a slash at the end
  TokenRequest token;
  std::chrono::milliseconds pause{100};  // before the second try after somebody else's change; then twice as long …
};

// Changes a record set only as it was when it was read (If-Match, If-None-Match), so that any number of processes may
// change one at once; after a change by somebody else it is read again, ten times at most.
[[nodiscard]] std::shared_ptr<acme::DnsZone> make_dns_zone(std::shared_ptr<Client> client, DnsZoneOptions options);

}  // namespace azure
