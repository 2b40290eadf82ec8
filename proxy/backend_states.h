// BackendStates: from what is configured, resolved and checked of a backend to its BackendState. Pure but for the
// statistics objects that it keeps: the same one for the same backend and address. One thread.
#pragma once

#include <compare>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/ip_network.h"
#include "proxy/address_guard.h"
#include "proxy/backend_table.h"

namespace proxy {

// What is known of a name.
struct NameState {
  std::vector<base::IpAddress> addresses;  // the last good answer
  std::string problem;                     // of the last question; empty: it was answered
};

// What is known of an endpoint.
struct CheckState {
  bool healthy = true;
  std::string problem;  // of the last check; empty: it passed
  friend bool operator==(const CheckState&, const CheckState&) = default;
};

struct CheckKey {
  std::string backend;
  tcp::endpoint address;
  friend bool operator==(const CheckKey&, const CheckKey&) = default;
  friend bool operator<(const CheckKey& a, const CheckKey& b) {
    return a.backend != b.backend ? a.backend < b.backend : a.address < b.address;
  }
};

struct ConfiguredBackend {
  std::shared_ptr<const config::Backend> config;
  std::shared_ptr<const UpstreamTlsMaterial> tls;  // null: plain
  bool guarded = false;                            // strangers say where it leads: the guard is asked
};

using ConfiguredBackends = std::map<std::string, ConfiguredBackend>;
using NameStates = std::map<std::string, NameState>;
using CheckStates = std::map<CheckKey, CheckState>;

class BackendStates {
 public:
  // `secret`: for the cookies of backends whose affinity has no key of its own.
  explicit BackendStates(AddressGuard guard = {}, std::string secret = {})
      : guard_(std::move(guard)), secret_(std::move(secret)) {}

  // `before` itself, which may be null, if nothing differs from it.
  [[nodiscard]] std::shared_ptr<const BackendState> build(const std::shared_ptr<const BackendState>& before,
                                                          const std::string& name, const ConfiguredBackend& backend,
                                                          const NameStates& names, const CheckStates& checks);
  // Lets go of the statistics of endpoints of this backend that nobody holds any more.
  void tidy(const std::string& name);

 private:
  [[nodiscard]] BackendState build_one(const std::string& name, const ConfiguredBackend& backend,
                                       const NameStates& names, const CheckStates& checks);
  [[nodiscard]] std::shared_ptr<EndpointStats> stats_of(const CheckKey& key);
  [[nodiscard]] bool is_permitted(const config::Endpoint& endpoint, const base::IpAddress& address) const;

  const AddressGuard guard_;
  const std::string secret_;
  std::map<CheckKey, std::weak_ptr<EndpointStats>> stats_;
};

// "192.0.2.1", "[::1]": needs no resolving.
[[nodiscard]] bool is_address(const std::string& host);

[[nodiscard]] tcp::endpoint to_endpoint(const base::IpAddress& address, std::uint16_t port);

}  // namespace proxy
