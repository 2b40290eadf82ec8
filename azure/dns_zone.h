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
  std::chrono::milliseconds longest{120'000};  // a change with all its tries
  Client::Wait wait = {};                      // empty: base::wait_for
};

// Changes a record set only as it was when it was read (If-Match, If-None-Match), so that any number of processes may
// change one at once; after a change by somebody else it is read again, ten times at most. What Azure does not take
// within the longest time of a change is an error.
[[nodiscard]] std::shared_ptr<acme::DnsZone> make_dns_zone(std::shared_ptr<Client> client, DnsZoneOptions options);

// The zone that is configured, or else the list of those there, as ARM has it.
[[nodiscard]] std::string url_of_zones(const DnsZoneOptions& options);

}  // namespace azure
