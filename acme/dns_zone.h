// DnsZone: where TXT records can be written. RFC 2136 and a program of the operator's here; Azure DNS in azure/.
#pragma once

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/issuers.h"

namespace acme {

// Any thread. `owner` is the full name without the dot at the end. Other values of the same owner stay (apex and
// wildcard of one name share a record set). All block, with a deadline.
class DnsZone {
 public:
  virtual ~DnsZone() = default;
  // A value that is there already is no error.
  [[nodiscard]] virtual base::Result<void> add(const std::string& owner, const std::string& value,
                                               std::chrono::seconds ttl, std::stop_token stop) = 0;
  // A value that is not there is no error.
  [[nodiscard]] virtual base::Result<void> remove(const std::string& owner, const std::string& value,
                                                  std::stop_token stop) = 0;
};

// `nameservers` ("IP:port", empty: the system's) are asked for the zone of a name where the configuration gives none.
[[nodiscard]] base::Result<std::shared_ptr<DnsZone>> make_rfc2136_zone(const config::Rfc2136& config,
                                                                       std::vector<std::string> nameservers);
// Runs the command without a shell, with an empty stdin, its output (cut to 4 KiB) in the error if it fails.
[[nodiscard]] std::shared_ptr<DnsZone> make_exec_zone(const config::DnsExec& config);

}  // namespace acme
