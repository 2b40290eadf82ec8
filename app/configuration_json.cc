#include <algorithm>
#include <array>
#include <cctype>

#include <fmt/format.h>

#include "app/api.h"
#include "app/azure_json.h"
#include "app/issuers_json.h"
#include "config/quantities.h"

namespace app {
namespace {

using config::Bytes;
using config::milliseconds;

template <class T>
std::string text(T quantity) {
  return config::to_string(quantity);
}

template <class Range>
Json strings(const Range& values) {
  Json result = Json::array();
  for (const auto& value : values) result.push_back(value.to_string());
  return result;
}

// A field that usually carries a credential.
bool may_be_secret(std::string name) {
  std::ranges::transform(name, name.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  constexpr std::array<std::string_view, 10> words{"auth", "cookie",  "token",  "secret", "key",
                                                   "pass", "session", "bearer", "sign",   "cred"};
  return std::ranges::any_of(words, [&](std::string_view word) { return name.find(word) != std::string::npos; });
}

Json fields_json(const std::vector<config::HeaderField>& fields) {
  Json result = Json::array();
  for (const config::HeaderField& field : fields) {
    result.push_back({{"name", field.name}, {"value", may_be_secret(field.name) ? "(removed)" : field.value}});
  }
  return result;
}

Json changes_json(const config::HeaderChanges& changes) {
  return {{"remove", changes.remove}, {"set", fields_json(changes.set)}, {"add", fields_json(changes.add)}};
}

Json certificate_source_json(const config::CertificateSource& source) {
  Json result{{"default", source.is_default}};
  if (const auto* files = std::get_if<config::FilesCertificate>(&source.from)) {
    result["files"] = {{"certificate", files->certificate.string()},
                       {"key", files->key.string()},
                       {"pfx", files->pfx.string()},
                       {"password_file", files->password_file.string()}};
  } else if (const auto* folder = std::get_if<config::DirectoryCertificates>(&source.from)) {
    result["directory"] = folder->directory.string();
  } else if (const auto* issued = std::get_if<config::IssuedCertificate>(&source.from)) {
    result.update(issued_certificate_json(*issued));
  } else if (const auto* vault = std::get_if<config::KeyVaultCertificate>(&source.from)) {
    result["key_vault"] = key_vault_json(*vault);
  }
  return result;
}

Json client_certificates_json(const config::ClientCertificates& client) {
  constexpr std::array modes{"off", "optional", "required"};
  return {{"mode", modes.at(static_cast<std::size_t>(client.mode))},
          {"ca_certificates", client.ca_certificates.string()}};
}

Json tls_json(const config::Tls& tls) {
  Json hosts = Json::array();
  for (const config::TlsHost& host : tls.hosts) {
    hosts.push_back(
        {{"hosts", host.hosts}, {"client_certificates", client_certificates_json(host.client_certificates)}});
  }
  return {{"profile", tls.profile == config::TlsProfile::modern ? "modern" : "intermediate"},
          {"unknown_name", tls.unknown_name == config::UnknownName::reject ? "reject" : "serve_default"},
          {"client_certificates", client_certificates_json(tls.client_certificates)},
          {"hosts", hosts},
          {"tickets", {{"rotation", text(milliseconds(tls.ticket_rotation))}}}};
}

Json route_json(const config::Route& route) {
  Json result{{"name", route.name},
              {"hosts", route.hosts},
              {"path", {{route.path.kind == config::PathMatch::Kind::exact ? "exact" : "prefix", route.path.path}}},
              {"methods", route.methods},
              {"https_redirect", route.redirect_to_https},
              {"request_headers", changes_json(route.request_headers)},
              {"response_headers", changes_json(route.response_headers)}};
  if (const auto* to = std::get_if<config::ToBackend>(&route.action)) {
    result["backend"] = to->backend;
    if (to->replace_prefix) result["replace_prefix"] = *to->replace_prefix;
  } else if (const auto* redirect = std::get_if<config::Redirect>(&route.action)) {
    result["redirect"] = {{"status", redirect->status}};
  } else if (const auto* respond = std::get_if<config::Respond>(&route.action)) {
    result["respond"] = {{"status", respond->status}, {"body_bytes", respond->body.size()}};
  }
  return result;
}

Json backend_json(const config::Backend& backend) {
  Json endpoints = Json::array();
  for (const config::Endpoint& endpoint : backend.endpoints) {
    endpoints.push_back({{"address", endpoint.to_string()}, {"weight", endpoint.weight}});
  }
  Json result{
      {"endpoints", endpoints},
      {"balance", backend.balance == config::Balance::least_requests ? "least_requests" : "round_robin"},
      {"protocol", backend.protocol == config::UpstreamProtocol::http2 ? "http2" : "http1"},
      {"timeouts",
       {{"connect", text(backend.timeouts.connect)},
        {"first_byte", text(backend.timeouts.first_byte)},
        {"idle", text(backend.timeouts.idle)},
        {"upgraded_idle", text(backend.timeouts.upgraded_idle)},
        {"request", text(backend.timeouts.request)}}},
      {"retries", {{"attempts", backend.retries.attempts}, {"budget_percent", backend.retries.budget_percent}}}};
  if (backend.tls) {
    result["tls"] = {{"verify", backend.tls->verify},
                     {"server_name", backend.tls->server_name},
                     {"ca_certificates", backend.tls->ca_certificates.string()},
                     {"client_certificate", backend.tls->client_certificate.string()},
                     {"client_key", backend.tls->client_key.string()}};
  }
  if (backend.health_check) {
    result["health_check"] = {{"path", backend.health_check->path}, {"interval", text(backend.health_check->interval)}};
  }
  if (backend.affinity) {
    result["affinity"] = {{"cookie", {{"name", backend.affinity->name}, {"path", backend.affinity->path}}}};
  }
  return result;
}

Json listeners_json(const std::vector<config::Listener>& listeners) {
  Json result = Json::array();
  for (const config::Listener& listener : listeners) {
    result.push_back({{"address", listener.address.to_string()},
                      {"tls", listener.tls},
                      {"proxy_protocol", {{"from", strings(listener.proxy_protocol_from)}}}});
  }
  return result;
}

Json limits_json(const config::Limits& limits) {
  return {{"header_count", limits.header_count},
          {"header_size", text(limits.header_size)},
          {"uri_length", text(limits.uri_length)},
          {"body_size", text(limits.body_size)},
          {"body_rate", text(limits.body_rate)},
          {"streams_per_connection", limits.streams_per_connection},
          {"connections_per_address", limits.connections_per_address},
          {"connections", limits.connections},
          {"requests_per_connection", limits.requests_per_connection}};
}

Json whole_json(const config::Config& config) {
  constexpr std::array logs{"off", "json", "text"};
  Json result{{"workers", config.workers},
              {"state_directory", config.state_directory.string()},
              {"listeners", listeners_json(config.listeners)},
              {"access_log", logs.at(static_cast<std::size_t>(config.access_log))},
              {"tls", tls_json(config.tls)},
              {"certificates", Json::array()},
              {"issuers", issuers_json(config.issuers)},
              {"routes", Json::array()},
              {"backends", Json::object()},
              {"trusted_proxies", strings(config.trusted_proxies)},
              {"limits", limits_json(config.limits)},
              {"timeouts",
               {{"handshake", text(config.timeouts.handshake)},
                {"header", text(config.timeouts.header)},
                {"body", text(config.timeouts.body)},
                {"idle", text(config.timeouts.idle)},
                {"write", text(config.timeouts.write)}}},
              {"drain", {{"grace", text(config.drain.grace)}, {"deadline", text(config.drain.deadline)}}}};
  if (config.admin) result["admin"] = {{"address", config.admin->address.to_string()}};
  for (const auto& source : config.certificates) result["certificates"].push_back(certificate_source_json(source));
  result["azure"] = azure_json(config.azure);
  result["mirrors"] = mirrors_json(config.mirrors);
  for (const auto& route : config.routes) result["routes"].push_back(route_json(route));
  for (const auto& [name, backend] : config.backends) result["backends"][name] = backend_json(backend);
  return result;
}

}  // namespace

Json configuration_json(const Observation& seen) {
  const bool there = seen.snapshot && seen.snapshot->config;
  return {{"generation", generation_in_force(seen)},
          {"reload", readiness_json(seen)["reload"]},
          {"configuration", there ? whole_json(*seen.snapshot->config) : Json()}};
}

}  // namespace app
