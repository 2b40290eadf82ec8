#include "app/api.h"

#include <algorithm>
#include <set>

#include <fmt/format.h>

#include "app/managed_json.h"
#include "base/json.h"
#include "base/timestamps.h"

namespace app {
namespace {

Json certificate_json(const certstore::CertificateStatus& status, base::SystemTime now) {
  Json one{{"id", status.id},
           {"source", status.source},
           {"state", to_string(state_of(status, now))},
           {"problem", status.problem},
           {"default", status.is_default},
           {"interim", is_interim(status)},
           {"file", status.file_path},
           {"changed", base::to_rfc3339(status.changed)},
           {"names", Json::array()}};
  if (!status.serving) return one;
  const certstore::Facts& facts = status.serving->facts();
  for (const std::string& name : facts.dns_names) one["names"].push_back(name);
  for (const std::string& address : facts.ip_addresses) one["names"].push_back(address);
  one["subject"] = facts.subject.common_name;
  one["issuer"] = facts.issuer.common_name.empty() ? facts.issuer.organization : facts.issuer.common_name;
  one["key_type"] = facts.key_type == certstore::KeyType::rsa ? "rsa" : "ecdsa";
  one["serial"] = facts.serial_hex;
  one["sha256"] = status.serving->fingerprint();
  one["not_before"] = base::to_rfc3339(facts.not_before);
  one["not_after"] = base::to_rfc3339(facts.not_after);
  one["expires_in_seconds"] = std::chrono::floor<std::chrono::seconds>(facts.not_after - now).count();
  one["chain_complete"] = facts.chain_complete;
  return one;
}

// By how the store knows it: "RECORD", or "RECORD until it is issued".
const acme::ManagedCertificate* managed_of(const Observation& seen, const certstore::CertificateStatus& status) {
  if (status.source != "issuers") return nullptr;
  const std::string record = status.id.substr(0, status.id.find(' '));
  for (const acme::ManagedCertificate& managed : seen.managed) {
    if (std::ranges::find(managed.records, record) != managed.records.end()) return &managed;
  }
  return nullptr;
}

std::string action_of(const config::Route& route) {
  if (const auto* to = std::get_if<config::ToBackend>(&route.action)) return "backend " + to->backend;
  if (const auto* redirect = std::get_if<config::Redirect>(&route.action))
    return fmt::format("redirect {}", redirect->status);
  return fmt::format("respond {}", std::get<config::Respond>(route.action).status);
}

std::uint64_t requests_of(const Observation& seen, std::size_t slot) {
  std::uint64_t total = 0;
  if (slot >= proxy::WorkerStats::most_routes) return 0;
  for (const proxy::WorkerStats* stats : seen.workers) {
    const proxy::RouteStats* route = stats->routes[slot].load(std::memory_order_acquire);
    if (route == nullptr) continue;
    for (const proxy::Counter& counter : route->by_class) total += counter.value();
  }
  return total;
}

Json endpoint_json(const proxy::EndpointState& endpoint) {
  const auto address = endpoint.address.address();
  Json one{{"name", endpoint.name},
           {"address", address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), endpoint.address.port())
                                       : fmt::format("{}:{}", address.to_string(), endpoint.address.port())},
           {"weight", endpoint.weight},
           {"healthy", endpoint.healthy}};
  if (endpoint.stats) {
    one["requests"] = endpoint.stats->requests.load();
    one["failures"] = endpoint.stats->failures.load();
    one["ejections"] = endpoint.stats->ejections.load();
    one["connections"] = endpoint.stats->connections.load();
    one["in_flight"] = endpoint.stats->in_flight.load();
  }
  return one;
}

Json worker_json(const proxy::WorkerStats& stats, std::size_t number) {
  return {{"worker", number},
          {"generation", stats.generation.load()},
          {"connections_open", stats.connections_open.value()},
          {"connections", stats.connections_accepted.value()},
          {"requests_open", stats.requests_open.value()},
          {"requests", stats.requests_h1.value() + stats.requests_h2.value()}};
}

Json mirror_json(const MirrorView& view, const azure::MirrorState& state) {
  return {{"mirror", view.where},
          {"name", state.name},
          {"in_step", state.what == azure::MirrorState::What::in_step},
          {"since", base::to_rfc3339(state.since)},
          {"problem", state.problem}};
}

// Where else the certificate is to be, and whether it is.
Json mirrors_json(const Observation& seen, const certstore::CertificateStatus& status) {
  Json mirrors = Json::array();
  if (!status.serving || seen.mirrors.empty()) return mirrors;
  const std::string fingerprint = status.serving->fingerprint();
  for (const MirrorView& view : seen.mirrors) {
    for (const azure::MirrorState& state : view.states) {
      if (state.fingerprint != fingerprint) continue;
      mirrors.push_back(mirror_json(view, state));
    }
  }
  return mirrors;
}

// What a mirror is to hold and nobody has, so that it stands beside no certificate.
void add_missing_in_mirrors(Json& result, const Observation& seen) {
  for (const MirrorView& view : seen.mirrors) {
    for (const azure::MirrorState& state : view.states) {
      const auto is_it = [&](const certstore::CertificateStatus& status) {
        return status.serving && status.serving->fingerprint() == state.fingerprint;
      };
      if (state.what != azure::MirrorState::What::refused || std::ranges::any_of(seen.certificates, is_it)) continue;
      result.push_back({{"id", state.certificate_name},
                        {"source", "mirrors"},
                        {"state", "not mirrored"},
                        {"problem", fmt::format("{}: {}", view.where, state.problem)},
                        {"default", false},
                        {"file", ""},
                        {"changed", base::to_rfc3339(state.since)},
                        {"names", Json::array({state.certificate_name})},
                        {"mirrors", Json::array({mirror_json(view, state)})}});
    }
  }
}

}  // namespace

Json certificates_json(const Observation& seen) {
  Json result = Json::array();
  std::set<std::string> shown;
  for (const auto& status : seen.certificates) {
    Json one = certificate_json(status, seen.now);
    if (Json mirrors = mirrors_json(seen, status); !mirrors.empty()) one["mirrors"] = std::move(mirrors);
    if (const acme::ManagedCertificate* const managed = managed_of(seen, status)) {
      one["managed"] = managed_json(*managed);
      if (status.problem.empty()) one["problem"] = managed->problem;
      shown.insert(managed->name);
    }
    result.push_back(std::move(one));
  }
  // What has nothing to show yet, or is left to another source.
  for (const acme::ManagedCertificate& managed : seen.managed) {
    if (shown.contains(managed.name)) continue;
    result.push_back({{"id", managed.name},
                      {"source", "issuers"},
                      {"state", acme::to_string(managed.state)},
                      {"problem", managed.problem},
                      {"default", false},
                      {"file", ""},
                      {"changed", ""},
                      {"names", managed.hosts},
                      {"managed", managed_json(managed)}});
  }
  add_missing_in_mirrors(result, seen);
  return result;
}

Json routes_json(const Observation& seen) {
  Json result = Json::array();
  if (!seen.snapshot || !seen.snapshot->routes) return result;
  for (const proxy::RoutePtr& route : seen.snapshot->routes->all()) {
    const config::Route& config = route->config;
    result.push_back({{"name", config.name},
                      {"hosts", config.hosts},
                      {"path", config.path.path},
                      {"path_match", config.path.kind == config::PathMatch::Kind::exact ? "exact" : "prefix"},
                      {"methods", config.methods},
                      {"action", action_of(config)},
                      {"redirect_to_https", config.redirect_to_https},
                      {"requests", requests_of(seen, route->slot)}});
  }
  return result;
}

Json backends_json(const Observation& seen) {
  Json result = Json::array();
  if (!seen.snapshot || !seen.snapshot->backends) return result;
  for (const auto& [name, backend] : seen.snapshot->backends->sorted()) {
    Json endpoints = Json::array();
    for (const proxy::EndpointState& endpoint : backend->endpoints) endpoints.push_back(endpoint_json(endpoint));
    Json configured = Json::array();
    for (const config::Endpoint& endpoint : backend->config->endpoints) configured.push_back(endpoint.to_string());
    result.push_back({{"name", name},
                      {"configured", configured},
                      {"tls", backend->config->tls.has_value()},
                      {"protocol", backend->config->protocol == config::UpstreamProtocol::http2 ? "http2" : "http1"},
                      {"problem", backend->problem},
                      {"endpoints", endpoints}});
  }
  return result;
}

Json status_json(const Observation& seen) {
  Json status = readiness_json(seen);
  status["version"] = SEKISHO_VERSION;
  status["started"] = base::to_rfc3339(seen.started);
  status["uptime_seconds"] = std::chrono::floor<std::chrono::seconds>(seen.now - seen.started).count();
  status["listeners"] = Json::array();
  for (const config::SocketAddress& address : seen.listening) status["listeners"].push_back(address.to_string());
  status["certificates"] = seen.certificates.size();
  const auto served = std::ranges::count_if(seen.certificates, [](const auto& one) { return one.serving != nullptr; });
  const auto refused = std::ranges::count_if(
      seen.certificates, [](const auto& one) { return one.serving == nullptr && one.certificate == nullptr; });
  status["certificates_served"] = served;
  status["certificates_refused"] = refused;
  status["routes"] = seen.snapshot && seen.snapshot->routes ? seen.snapshot->routes->all().size() : 0;
  status["backends"] = seen.snapshot && seen.snapshot->backends ? seen.snapshot->backends->size() : 0;
  status["workers"] = Json::array();
  for (std::size_t i = 0; i < seen.workers.size(); ++i) status["workers"].push_back(worker_json(*seen.workers[i], i));
  return status;
}

std::string dump(const Json& json) {
  return base::json_lines(json) + '\n';
}

}  // namespace app
