#include "proxy/backend_states.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "proxy/affinity.h"

namespace proxy {
namespace {

bool same(const EndpointState& a, const EndpointState& b) {
  return a.address == b.address && a.name == b.name && a.host == b.host && a.weight == b.weight &&
         a.healthy == b.healthy && a.stats == b.stats && a.affinity == b.affinity;
}

bool same(const BackendState& a, const BackendState& b) {
  return *a.config == *b.config && a.problem == b.problem && a.tls == b.tls &&
         std::ranges::equal(a.endpoints, b.endpoints, [](const auto& x, const auto& y) { return same(x, y); });
}

std::vector<base::IpAddress> addresses_of(const std::string& host, const NameStates& names) {
  if (const auto literal = base::IpAddress::parse(host)) return {*literal};
  const auto known = names.find(host);
  return known == names.end() ? std::vector<base::IpAddress>() : known->second.addresses;
}

}  // namespace

std::shared_ptr<const BackendState> BackendStates::build(const std::shared_ptr<const BackendState>& before,
                                                         const std::string& name, const ConfiguredBackend& backend,
                                                         const NameStates& names, const CheckStates& checks) {
  BackendState state = build_one(name, backend, names, checks);
  if (before != nullptr && same(*before, state)) return before;
  return std::make_shared<const BackendState>(std::move(state));
}

void BackendStates::tidy(const std::string& name) {
  auto entry = stats_.lower_bound(CheckKey{name, {}});
  while (entry != stats_.end() && entry->first.backend == name) {
    entry = entry->second.expired() ? stats_.erase(entry) : std::next(entry);
  }
}

BackendState BackendStates::build_one(const std::string& name, const ConfiguredBackend& backend,
                                      const NameStates& names, const CheckStates& checks) {
  BackendState state;
  state.config = backend.config;
  state.tls = backend.tls;
  std::string check_problem;
  std::map<tcp::endpoint, std::size_t> places;
  for (const config::Endpoint& endpoint : backend.config->endpoints) {
    const auto asked = names.find(endpoint.host);
    if (asked != names.end() && state.problem.empty()) state.problem = asked->second.problem;
    for (const base::IpAddress& address : addresses_of(endpoint.host, names)) {
      if (backend.guarded && !is_permitted(endpoint, address)) {
        if (state.problem.empty())
          state.problem = endpoint.to_string() + " leads to " + address.to_string() + ", which is not for backends";
        continue;
      }
      const CheckKey key{name, to_endpoint(address, endpoint.port)};
      // Two names of one address: it is one endpoint, with the weight of both.
      const auto [twin, is_new] = places.try_emplace(key.address, state.endpoints.size());
      if (!is_new) {
        state.endpoints[twin->second].weight += endpoint.weight;
        continue;
      }
      const auto check = checks.find(key);
      const bool healthy = check == checks.end() || check->second.healthy;
      if (check != checks.end() && check_problem.empty() && !check->second.problem.empty()) {
        check_problem = endpoint.to_string() + ": " + check->second.problem;
      }
      state.endpoints.push_back(
          {key.address, endpoint.to_string(), endpoint.host, endpoint.weight, healthy, stats_of(key)});
      if (backend.config->affinity) {
        state.endpoints.back().affinity = affinity_value(*backend.config, secret_, key.address);
      }
    }
  }
  if (state.problem.empty()) state.problem = std::move(check_problem);
  return state;
}

bool BackendStates::is_permitted(const config::Endpoint& endpoint, const base::IpAddress& address) const {
  return guard_.permits(address, endpoint.port) && (is_address(endpoint.host) || guard_.permits_answer(address));
}

std::shared_ptr<EndpointStats> BackendStates::stats_of(const CheckKey& key) {
  std::weak_ptr<EndpointStats>& kept = stats_[key];
  std::shared_ptr<EndpointStats> stats = kept.lock();
  if (!stats) {
    stats = std::make_shared<EndpointStats>();
    kept = stats;
  }
  return stats;
}

bool is_address(const std::string& host) {
  return base::IpAddress::parse(host).has_value();
}

tcp::endpoint to_endpoint(const base::IpAddress& address, std::uint16_t port) {
  const asio::ip::address_v6 six(address.bytes());
  if (address.is_v4()) return {asio::ip::make_address_v4(asio::ip::v4_mapped, six), port};
  return {six, port};
}

}  // namespace proxy
