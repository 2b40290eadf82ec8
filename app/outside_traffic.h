// OutsideTraffic: routes and backends that come from elsewhere than the configuration (from a cluster), kept beside
// those of the configuration. One thread at a time.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/route_table.h"

namespace app {

// What differs since the last time.
struct TrafficChange {
  // All routes of a host now, each of that host alone; "" is any host. Empty: it has none.
  std::map<std::string, std::vector<config::Route>> hosts;
  // By name. Null: gone.
  std::map<std::string, std::shared_ptr<const config::Backend>> backends;
  [[nodiscard]] bool empty() const { return hosts.empty() && backends.empty(); }
};

class OutsideTraffic {
 public:
  using RoutesByHost = proxy::RouteTable::RoutesByHost;
  using Backends = std::map<std::string, std::shared_ptr<const config::Backend>>;

  // Those of the configuration, which go before others on the same path. The answer is all that there is.
  [[nodiscard]] RoutesByHost configure(const std::vector<config::Route>& routes, proxy::RouteSlots& slots);
  // The answer is all routes of the hosts that changed; costs these alone.
  [[nodiscard]] RoutesByHost take_hosts(const std::map<std::string, std::vector<config::Route>>& changes,
                                        proxy::RouteSlots& slots);

  // The answer is what changes by it: a backend of the configuration hides one from outside of the same name.
  [[nodiscard]] Backends take_backends(const Backends& changes,
                                       const std::map<std::string, config::Backend>& configured);
  [[nodiscard]] const Backends& backends() const noexcept { return backends_; }

 private:
  [[nodiscard]] std::vector<proxy::RoutePtr> routes_of(const std::string& host) const;

  RoutesByHost configured_;
  RoutesByHost outside_;
  Backends backends_;
};

}  // namespace app
