#include <algorithm>
#include <utility>

#include "config/sections.h"

namespace config {
namespace {

const Words<Balance> balances{{"round_robin", Balance::round_robin}, {"least_requests", Balance::least_requests}};
const Words<UpstreamProtocol> protocols{{"http1", UpstreamProtocol::http1}, {"http2", UpstreamProtocol::http2}};
const Words<ProxyProtocolOut> proxy_protocols{
    {"off", ProxyProtocolOut::off}, {"v1", ProxyProtocolOut::v1}, {"v2", ProxyProtocolOut::v2}};

constexpr std::uint64_t heaviest = 65'535;

std::optional<Endpoint> read_endpoint(const Value& value) {
  if (!value.is(YamlNode::Kind::mapping)) {
    if (value.is(YamlNode::Kind::scalar)) return value.parsed(parse_endpoint);
    value.refuse("host:port, or a mapping with `address` and `weight`");
    return std::nullopt;
  }
  const Mapping map(value, keys::endpoint);
  const auto address = map.require("address");
  auto endpoint = address ? address->parsed(parse_endpoint) : std::nullopt;
  const unsigned weight = map.number("weight", 1, {0, heaviest});
  if (endpoint) endpoint->weight = weight;
  return endpoint;
}

std::vector<Endpoint> read_endpoints(const Value& value) {
  std::vector<Endpoint> endpoints;
  const std::vector<Value> elements = value.list();
  if (elements.empty() && value.is(YamlNode::Kind::sequence)) value.refuse("an empty list", "at least one endpoint");
  for (const Value& element : elements) {
    auto endpoint = read_endpoint(element);
    if (!endpoint) continue;
    const bool twice = std::ranges::any_of(endpoints, [&endpoint](const Endpoint& other) {
      return other.host == endpoint->host && other.port == endpoint->port;
    });
    if (twice) element.refuse("endpoint " + quote(endpoint->to_string()) + " a second time", "each endpoint only once");
    endpoints.push_back(std::move(*endpoint));
  }
  return endpoints;
}

Backend read_backend(const Value& value) {
  const Mapping map(value, keys::backend);
  Backend backend;
  if (const auto endpoints = map.require("endpoints")) backend.endpoints = read_endpoints(*endpoints);
  backend.balance = map.choice("balance", backend.balance, balances);
  backend.protocol = map.choice("protocol", backend.protocol, protocols);
  if (const auto tls = map.find("tls")) backend.tls = read_upstream_tls(*tls);
  backend.host_header = map.parsed("host_header", parse_authority);
  if (const auto check = map.find("health_check")) backend.health_check = read_health_check(*check);
  if (const auto ejection = map.find("ejection")) backend.ejection = read_ejection(*ejection);
  if (const auto timeouts = map.find("timeouts")) backend.timeouts = read_backend_timeouts(*timeouts);
  if (const auto limits = map.find("limits")) backend.limits = read_backend_limits(*limits);
  if (const auto retries = map.find("retries")) backend.retries = read_retries(*retries);
  backend.proxy_protocol = map.choice("proxy_protocol", backend.proxy_protocol, proxy_protocols);
  if (const auto affinity = map.find("affinity")) backend.affinity = read_affinity(*affinity);
  return backend;
}

}  // namespace

std::map<std::string, Backend> read_backends(const Value& value) {
  std::map<std::string, Backend> backends;
  for (const NamedValue& entry : named_values(value)) {
    if (!entry.key.parsed(parse_given_name)) continue;
    Backend backend = read_backend(entry.value);
    backend.name = entry.name;
    backends.emplace(entry.name, std::move(backend));
  }
  return backends;
}

}  // namespace config
