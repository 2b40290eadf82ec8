// OnDemand: whether a certificate may be got for a name that a stranger brought up in a handshake.
#pragma once

#include <cstddef>
#include <deque>
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "acme/storage.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/http_client.h"
#include "config/issuers.h"

namespace acme {

// Exactly, or by a pattern whose "*" stands for one label. `name` is attacker controlled, a canonical host name.
[[nodiscard]] bool allows(const std::vector<std::string>& patterns, std::string_view name);

// One `on_demand` of the configuration. One thread at a time.
class OnDemandGate {
 public:
  OnDemandGate(config::OnDemand config, const base::Clock& clock);

  [[nodiscard]] const config::OnDemand& config() const noexcept { return config_; }
  // Errors: refused (not on the list, or the ask URL says no), overloaded (too many within the hour, too many in all,
  // of which `existing` says how many there are, or too much asked within a minute), and what keeps the ask URL from
  // answering. Asks the URL last. Blocking: five seconds at the most.
  [[nodiscard]] base::Result<void> admit(const std::string& name, std::size_t existing, std::stop_token stop);
  // Whether admit() would ask the URL for this name: what it says is worth remembering.
  [[nodiscard]] bool asks_for(const std::string& name) const;

 private:
  [[nodiscard]] base::Result<void> ask(const std::string& name, std::stop_token stop);

  config::OnDemand config_;
  const base::Clock& clock_;
  std::deque<base::SystemTime> begun_;  // within the last hour
  std::deque<base::SystemTime> asked_;  // the URL, within the last minute
  base::HttpClient http_;
};

// What was admitted is remembered: the certificates that storage knows of, each from the template that admitted it.
struct AdmittedName {
  config::IssuedCertificate wanted;
  base::SystemTime since;  // 1970 where it is not known
};
[[nodiscard]] std::vector<AdmittedName> stored_on_demand(const Storage& storage,
                                                         const std::vector<config::IssuedCertificate>& templates);
[[nodiscard]] base::Result<void> store_on_demand(Storage& storage, const AdmittedName& admitted,
                                                 const std::string& template_name);
base::Result<void> remove_on_demand(Storage& storage, const std::string& name);
// The certificate for one name, as the template says.
[[nodiscard]] config::IssuedCertificate from_template(const config::IssuedCertificate& from, const std::string& name);

}  // namespace acme
