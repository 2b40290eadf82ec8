// RouteTable: which route a request takes. Immutable, made by the control plane, read by all workers.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "proxy/message.h"
#include "proxy/sharded_map.h"

namespace proxy {

struct CompiledRoute {
  config::Route config;
  std::size_t order = 0;                      // which of two that are else equal goes before
  std::size_t index = 0;                      // of its backend, for Upstreams::of_route(); 0: it goes to none
  std::shared_ptr<const std::size_t> number;  // holds `index`: no other backend gets it as long as this is there
  std::size_t slot = 0;                       // of WorkerStats::routes; the same name keeps its slot through reloads
};

using RoutePtr = std::shared_ptr<const CompiledRoute>;

// Gives each route name a metrics slot for the life of the process, and each backend a number for as long as a route
// names it. Control plane.
class RouteSlots {
 public:
  [[nodiscard]] std::size_t slot(const std::string& name);
  // From 1. Another backend gets the number after nobody holds the answer any more, neither here nor in a snapshot that
  // a worker still has: there are never many more numbers than backends.
  [[nodiscard]] std::shared_ptr<const std::size_t> number_of_backend(const std::string& name);
  // Names by slot; the overflow slot is "(other)".
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::unordered_map<std::string, std::size_t> slots_;
  struct Number {
    std::size_t value = 0;
    std::weak_ptr<const std::size_t> held;
  };
  void free_numbers();

  std::unordered_map<std::string, Number> backends_;
  std::vector<std::size_t> free_numbers_;
  std::size_t next_number_ = 1;
  std::size_t look_for_free_at_ = 1024;  // so many backends
  bool overflowed_ = false;
};

[[nodiscard]] RoutePtr compile(const config::Route& route, std::size_t order, RouteSlots& slots);

class RouteTable {
 public:
  // By host: exact, "*.example.com", or "" for any. Within one host in any order.
  using RoutesByHost = std::map<std::string, std::vector<RoutePtr>>;

  RouteTable() = default;
  RouteTable(const std::vector<config::Route>& routes, RouteSlots& slots);

  // A new table in which these hosts have exactly these routes (none: the host goes); shares the rest. Costs what
  // changes.
  [[nodiscard]] RouteTable with(const RoutesByHost& changes) const;

  // Host exact, then one-label wildcard, then routes for any host; within a host: exact path before prefix, longer
  // prefix first, then more header and method conditions first, then the order of the configuration. Null: no route. A
  // host that has routes, none of which matches, does not fall through to the next less specific host. Path matching is
  // on whole segments of the normalized path. A path that some backends read in another way ("//admin", "/admin;x",
  // "/admin%2fx": lenient_path in proxy/request_target.h) is matched in both, and the better match of the two counts:
  // no spelling gets around the route that guards a path.
  [[nodiscard]] const CompiledRoute* match(const RequestHead& request) const;

  // The routes of a host, in the order in which they are tried. For people.
  [[nodiscard]] const std::vector<RoutePtr>& for_host(std::string_view host) const noexcept {
    return host_for(host).ordered;
  }
  // All of them, each once, those of the configuration first. Costs all that is there.
  [[nodiscard]] std::vector<RoutePtr> all() const;
  // visit(route) for each route of a host that has other routes than in `before`.
  template <class Visit>
  void for_each_change(const RouteTable& before, Visit visit) const {
    const auto visit_host = [&](const HostPtr& host) {
      for (const RoutePtr& route : host->ordered) visit(*route);
    };
    if (any_ != before.any_ && any_ != nullptr) visit_host(any_);
    hosts_.for_each_difference(before.hosts_, [&](const std::string&, const HostPtr*, const HostPtr* now) {
      if (now != nullptr) visit_host(*now);
    });
  }

 private:
  struct Host {
    std::vector<RoutePtr> ordered;  // best first
  };
  using HostPtr = std::shared_ptr<const Host>;
  [[nodiscard]] static const CompiledRoute* first_match(const Host& host, std::string_view path,
                                                        const RequestHead& request) noexcept;
  [[nodiscard]] const Host& host_for(std::string_view name) const noexcept;

  ShardedMap<HostPtr> hosts_;  // wildcards by ".example.com"
  HostPtr any_;                // null: there are none
};

// In the order of the configuration; a route of several hosts is one object.
[[nodiscard]] RouteTable::RoutesByHost compile_by_host(const std::vector<config::Route>& routes, RouteSlots& slots);

}  // namespace proxy
