#include "app/outside_traffic.h"

#include <set>

namespace app {
namespace {

// Behind all routes of a configuration.
constexpr std::size_t first_outside = std::size_t{1} << 32U;

}  // namespace

OutsideTraffic::RoutesByHost OutsideTraffic::configure(const std::vector<config::Route>& routes,
                                                       proxy::RouteSlots& slots) {
  configured_ = proxy::compile_by_host(routes, slots);
  std::set<std::string> hosts;
  for (const auto& [host, list] : configured_) hosts.insert(host);
  for (const auto& [host, list] : outside_) hosts.insert(host);
  RoutesByHost all;
  for (const std::string& host : hosts) all[host] = routes_of(host);
  return all;
}

OutsideTraffic::RoutesByHost OutsideTraffic::take_hosts(
    const std::map<std::string, std::vector<config::Route>>& changes, proxy::RouteSlots& slots) {
  RoutesByHost changed;
  for (const auto& [host, routes] : changes) {
    if (routes.empty()) {
      outside_.erase(host);
    } else {
      std::vector<proxy::RoutePtr>& compiled = outside_[host];
      compiled.clear();
      for (const config::Route& route : routes) {
        compiled.push_back(proxy::compile(route, first_outside + compiled.size(), slots));
      }
    }
    changed[host] = routes_of(host);
  }
  return changed;
}

std::vector<proxy::RoutePtr> OutsideTraffic::routes_of(const std::string& host) const {
  std::vector<proxy::RoutePtr> all;
  for (const RoutesByHost* part : {&configured_, &outside_}) {
    const auto found = part->find(host);
    if (found != part->end()) all.insert(all.end(), found->second.begin(), found->second.end());
  }
  return all;
}

OutsideTraffic::Backends OutsideTraffic::take_backends(const Backends& changes,
                                                       const std::map<std::string, config::Backend>& configured) {
  Backends effective;
  for (const auto& [name, backend] : changes) {
    if (backend == nullptr) {
      backends_.erase(name);
    } else {
      backends_[name] = backend;
    }
    if (!configured.contains(name)) effective.emplace(name, backend);
  }
  return effective;
}

}  // namespace app
