#include "kube/service_endpoints.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "base/ascii.h"
#include "base/ip_network.h"
#include "config/faults.h"
#include "config/host_names.h"

namespace kube {
namespace {

using Tls = BackendProtocol::Tls;
using Version = config::UpstreamProtocol;

// A request looks at each of them.
constexpr std::size_t most_endpoints = 5'000;

struct AppProtocol {
  std::string_view name;
  BackendProtocol protocol;
};

constexpr AppProtocol app_protocols[] = {
    {"", {}},
    {"http", {}},
    {"kubernetes.io/ws", {}},
    {"ws", {}},
    {"https", {Version::http1, Tls::on}},
    {"kubernetes.io/wss", {Version::http1, Tls::on}},
    {"wss", {Version::http1, Tls::on}},
    {"kubernetes.io/h2c", {Version::http2, Tls::off}},
    {"h2c", {Version::http2, Tls::off}},
    {"http2", {Version::http2, Tls::off}},
    {"grpc", {Version::http2, Tls::off}},
    {"grpcs", {Version::http2, Tls::on}},
};

ServiceEndpoints none(NoticeType type, const char* reason, std::string message) {
  return {.type = type, .reason = reason, .message = std::move(message)};
}

const ServicePort* find_port(const Service& service, const ServicePortRef& wanted) {
  const auto found = std::ranges::find_if(service.ports, [&](const ServicePort& port) {
    return wanted.name.empty() ? port.port == wanted.number : port.name == wanted.name;
  });
  return found == service.ports.end() ? nullptr : &*found;
}

bool leads_behind_the_edge(const std::string& host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  const auto address = base::IpAddress::parse(host);
  static const auto link_local = {*base::IpNetwork::parse("169.254.0.0/16"), *base::IpNetwork::parse("fe80::/10"),
                                  *base::IpNetwork::parse("0.0.0.0/8"), *base::IpNetwork::parse("::/128")};
  return address && (address->is_loopback() || std::ranges::any_of(link_local, [&](const base::IpNetwork& network) {
                       return network.contains(*address);
                     }));
}

ServiceEndpoints external(const Service& service, const BackendUse& use) {
  const std::string_view written = service.external_name;
  auto host = config::is_ip_address(written) ? config::Read<std::string>(std::string(written))
                                             : config::parse_host_name(written);
  if (!host || leads_behind_the_edge(*host)) {
    return none(
        NoticeType::warning, reasons::invalid_service,
        fmt::format("Service {}: externalName {} cannot be followed", to_string(use.service), config::quote(written)));
  }
  const ServicePort* port = find_port(service, use.port);
  const std::uint16_t listed = port == nullptr ? 0 : port->target_port != 0 ? port->target_port : port->port;
  const std::uint16_t number = listed != 0 ? listed : use.port.number;
  if (number == 0) {
    return none(NoticeType::warning, reasons::service_port_not_found,
                fmt::format("Service {} has no port {}", to_string(use.service), use.port.to_string()));
  }
  return {.endpoints = {{.host = *host, .port = number}}};
}

// The number behind a port of the Service in one slice; none: the slice does not have it.
std::optional<std::uint16_t> number_in(const EndpointSlice& slice, const ServicePort& port) {
  const auto found = std::ranges::find(slice.ports, port.name, &SlicePort::name);
  if (found == slice.ports.end()) return std::nullopt;
  if (found->port) return found->port;
  return port.target_port != 0 ? port.target_port : port.port;
}

std::vector<config::Endpoint> collect(std::span<const EndpointSlice* const> slices, const ServicePort& port,
                                      bool (*wanted)(const SliceEndpoint&)) {
  std::set<config::Endpoint> endpoints;
  for (const EndpointSlice* slice : slices) {
    const auto number = number_in(*slice, port);
    if (!number) continue;
    for (const SliceEndpoint& endpoint : slice->endpoints) {
      if (!wanted(endpoint)) continue;
      for (const std::string& address : endpoint.addresses) {
        const bool valid = slice->address_type == EndpointSlice::AddressType::ip
                               ? config::is_ip_address(address)
                               : config::parse_host_name(address).has_value();
        if (valid) endpoints.insert({.host = address, .port = *number});
        if (endpoints.size() > most_endpoints) return {endpoints.begin(), endpoints.end()};
      }
    }
  }
  return {endpoints.begin(), endpoints.end()};
}

}  // namespace

ServiceEndpoints find_endpoints(const Service* service, const BackendUse& use,
                                std::span<const EndpointSlice* const> slices) {
  if (service == nullptr) {
    return none(NoticeType::warning, reasons::service_not_found,
                fmt::format("Service {} is not there; its paths are answered with 503", to_string(use.service)));
  }
  ServiceEndpoints found;
  const ServicePort* port = find_port(*service, use.port);
  if (service->kind == Service::Kind::external_name) {
    found = external(*service, use);
  } else if (port == nullptr) {
    return none(NoticeType::warning, reasons::service_port_not_found,
                fmt::format("Service {} has no TCP port {}; its paths are answered with 503", to_string(use.service),
                            use.port.to_string()));
  } else if (use.settings.through == BackendSettings::Through::service && !service->cluster_ips.empty()) {
    for (const std::string& address : service->cluster_ips) found.endpoints.push_back({address, port->port});
  } else {
    found.endpoints = collect(slices, *port, [](const SliceEndpoint& endpoint) { return endpoint.ready; });
    if (found.endpoints.empty()) {
      found.endpoints = collect(slices, *port,
                                [](const SliceEndpoint& endpoint) { return endpoint.serving && endpoint.terminating; });
    }
  }
  found.service_uid = service->metadata.uid;
  if (port != nullptr) {
    const auto protocol = std::ranges::find(app_protocols, base::lower_case(port->app_protocol), &AppProtocol::name);
    if (protocol != std::end(app_protocols)) found.protocol = protocol->protocol;
  }
  if (found.endpoints.size() > most_endpoints) {
    found.endpoints.resize(most_endpoints);
    found.reason = reasons::too_many_endpoints;
    found.message = fmt::format("Service {} has more than {} ready endpoints for port {}; the others are left out",
                                to_string(use.service), most_endpoints, use.port.to_string());
  }
  if (found.endpoints.empty() && found.reason.empty()) {
    found.type = NoticeType::normal;
    found.reason = reasons::no_endpoints;
    found.message = fmt::format("Service {} has no ready endpoint for port {}; its paths are answered with 503",
                                to_string(use.service), use.port.to_string());
  }
  return found;
}

config::Backend make_backend(const BackendUse& use, const ServiceEndpoints& found) {
  config::Backend backend = use.settings.rules;
  backend.name = use.key;
  backend.endpoints = found.endpoints;
  const BackendProtocol protocol = use.settings.protocol.value_or(found.protocol);
  backend.protocol = protocol.version;
  if (protocol.tls == Tls::on) backend.tls = use.settings.tls;
  // Random, the same for every replica, and not to be guessed by a client.
  if (backend.affinity) backend.affinity->key = found.service_uid;
  return backend;
}

}  // namespace kube
