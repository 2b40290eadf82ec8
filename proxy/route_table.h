// RouteTable: which route a request takes. Immutable, made by the control plane, read by all workers.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/config.h"
#include "proxy/message.h"

namespace proxy {

struct CompiledRoute {
  config::Route config;
  std::size_t index = 0;  // in RouteTable::routes()
  std::size_t slot = 0;   // of WorkerStats::routes; the same name keeps its slot through reloads
};

// Gives each route name a metrics slot, for the life of the process. Control plane.
class RouteSlots {
 public:
  [[nodiscard]] std::size_t slot(const std::string& name);
  // Names by slot; the overflow slot is "(other)".
  [[nodiscard]] std::vector<std::string> names() const;

 private:
  std::unordered_map<std::string, std::size_t> slots_;
  bool overflowed_ = false;
};

class RouteTable {
 public:
  RouteTable(const std::vector<config::Route>& routes, RouteSlots& slots);

  // Host exact, then one-label wildcard, then routes for any host; within a host: exact path before prefix, longer
  // prefix first, then more header and method conditions first, then the order of the configuration. Null: no route. A
  // host that has routes, none of which matches, does not fall through to the next less specific host. Path matching is
  // on whole segments of the normalized path. A path that some backends read in another way ("//admin", "/admin;x",
  // "/admin%2fx": lenient_path in proxy/request_target.h) is matched in both, and the better match of the two counts:
  // no spelling gets around the route that guards a path.
  [[nodiscard]] const CompiledRoute* match(const RequestHead& request) const;

  // The routes of a host, in the order in which they are tried. For people.
  [[nodiscard]] const std::vector<const CompiledRoute*>& for_host(std::string_view host) const noexcept {
    return host_for(host).ordered;
  }

  [[nodiscard]] const std::vector<std::unique_ptr<const CompiledRoute>>& routes() const noexcept { return routes_; }

 private:
  struct Host {
    std::vector<const CompiledRoute*> ordered;  // best first
  };
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const noexcept { return std::hash<std::string_view>{}(text); }
  };
  [[nodiscard]] static const CompiledRoute* first_match(const Host& host, std::string_view path,
                                                        const RequestHead& request) noexcept;
  [[nodiscard]] const Host& host_for(std::string_view name) const noexcept;

  std::vector<std::unique_ptr<const CompiledRoute>> routes_;
  std::unordered_map<std::string, Host, Hash, std::equal_to<>> exact_;
  std::unordered_map<std::string, Host, Hash, std::equal_to<>> wildcard_;  // keyed by ".example.com"
  Host any_;
};

}  // namespace proxy
