// BackendTable: every backend with its endpoints as they are now, resolved and checked. Immutable; made by
// BackendMonitor.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "config/config.h"
#include "proxy/asio.h"
#include "proxy/sharded_map.h"
#include "proxy/stats.h"

namespace proxy {

class UpstreamTlsMaterial;  // proxy/tls_upstream.h: trust store and client certificate, loaded

struct EndpointState {
  tcp::endpoint address;
  std::string name;  // "app:3000" as configured
  std::string host;  // as configured, without the port: the default SNI
  unsigned weight = 1;
  bool healthy = true;                   // by active checks; true before the first one has failed enough
  std::shared_ptr<EndpointStats> stats;  // the same object for the same address through reloads
  std::string affinity = {};             // the value of the cookie that leads back here; empty: none does
};

struct BackendState {
  std::shared_ptr<const config::Backend> config;
  std::vector<EndpointState> endpoints;  // empty: the name does not resolve
  std::string problem;                   // why there are none, or the last failed check; for `sekisho backends`
  std::shared_ptr<const UpstreamTlsMaterial> tls;  // null: plain
};

using BackendTable = ShardedMap<std::shared_ptr<const BackendState>>;

}  // namespace proxy
