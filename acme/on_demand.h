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
  // `refused`, with the reason: not on the list, the ask URL says no, or too many within the hour or in all
  // (`existing`: how many there are). Asks the URL last. Blocking: five seconds at the most.
  [[nodiscard]] base::Result<void> admit(const std::string& name, std::size_t existing, std::stop_token stop);

 private:
  [[nodiscard]] base::Result<void> ask(const std::string& name, std::stop_token stop);

  config::OnDemand config_;
  const base::Clock& clock_;
  std::deque<base::SystemTime> begun_;  // within the last hour
  base::HttpClient http_;
};

// What was admitted is remembered: the certificates that storage knows of, each from the template that admitted it.
[[nodiscard]] std::vector<config::IssuedCertificate> stored_on_demand(
    const Storage& storage, const std::vector<config::IssuedCertificate>& templates);
[[nodiscard]] base::Result<void> store_on_demand(Storage& storage, const config::IssuedCertificate& wanted,
                                                 const std::string& template_name);
// The certificate for one name, as the template says.
[[nodiscard]] config::IssuedCertificate from_template(const config::IssuedCertificate& from, const std::string& name);

}  // namespace acme
