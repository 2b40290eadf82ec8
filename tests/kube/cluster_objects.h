// Objects of a cluster as JSON, in a line each, and a translator with what it gave.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/base64.h"
#include "kube/translator.h"
#include "proxy/route_table.h"

namespace test {

using nlohmann::json;

inline json metadata(const std::string& name, const std::string& name_space = "default", int age = 10) {
  return {{"name", name},
          {"namespace", name_space},
          {"uid", name_space + "-" + name},
          {"creationTimestamp", fmt::format("2026-01-01T00:00:{:02}Z", 60 - age)}};  // higher ages are older
}

inline json path_to(const std::string& path, const std::string& service, const std::string& type = "Prefix",
                    const json& port = {{"number", 80}}) {
  return {{"path", path}, {"pathType", type}, {"backend", {{"service", {{"name", service}, {"port", port}}}}}};
}

inline json rule(const std::string& host, std::vector<json> paths) {
  json made{{"http", {{"paths", std::move(paths)}}}};
  if (!host.empty()) made["host"] = host;
  return made;
}

inline json ingress(const json& meta, std::vector<json> rules, const json& more = json::object()) {
  json spec{{"ingressClassName", "sekisho"}, {"rules", std::move(rules)}};
  spec.update(more);
  return {{"metadata", meta}, {"spec", std::move(spec)}};
}

inline json annotated(json object, const std::string& name, const std::string& value) {
  object["metadata"]["annotations"][name] = value;
  return object;
}

inline json ingress_class(const std::string& name, const std::string& controller = kube::own_controller) {
  return {{"metadata", {{"name", name}}}, {"spec", {{"controller", controller}}}};
}

inline json service(const std::string& name, const std::string& name_space = "default",
                    std::vector<json> ports = {{{"port", 80}, {"targetPort", 8080}}}) {
  return {{"metadata", metadata(name, name_space)}, {"spec", {{"clusterIP", "10.0.0.1"}, {"ports", std::move(ports)}}}};
}

inline json slice(const std::string& name, const std::string& of, const std::vector<std::string>& addresses,
                  const std::string& name_space = "default", const json& ports = {{{"name", ""}, {"port", 8080}}}) {
  json made{{"metadata", metadata(name, name_space)}, {"addressType", "IPv4"}, {"ports", ports}};
  made["metadata"]["labels"] = {{"kubernetes.io/service-name", of}};
  made["endpoints"] = json::array();
  for (const std::string& address : addresses) made["endpoints"].push_back({{"addresses", {address}}});
  return made;
}

inline json tls_secret(const std::string& name, const std::string& certificate, const std::string& key,
                       const std::string& name_space = "default") {
  return {{"metadata", metadata(name, name_space)},
          {"type", "kubernetes.io/tls"},
          {"data", {{"tls.crt", base::to_base64(certificate)}, {"tls.key", base::to_base64(key)}}}};
}

// A translator, and all that its changes add up to.
class Cluster {
 public:
  explicit Cluster(kube::Translator::Options options = {.classes = {.taken_over = {"sekisho"}}})
      : translator(std::move(options)) {}

  Cluster& add(const kube::Resource& resource, const json& object) {
    translator.upsert(resource, object);
    return *this;
  }
  Cluster& add_ingress(const json& object) { return add(kube::resources::ingresses, object); }
  Cluster& add_class(const json& object) { return add(kube::resources::ingress_classes, object); }
  Cluster& add_secret(const json& object) { return add(kube::resources::secrets, object); }
  Cluster& add_slice(const json& object) { return add(kube::resources::endpoint_slices, object); }
  Cluster& add_service(const json& object) { return add(kube::resources::services, object); }
  // A Service and where it leads.
  Cluster& add_app(const std::string& name, const std::vector<std::string>& addresses = {"10.1.0.1"},
                   const std::string& name_space = "default") {
    add_service(service(name, name_space));
    return add_slice(slice(name + "-1", name, addresses, name_space));
  }
  Cluster& remove(const kube::Resource& resource, const std::string& name, const std::string& name_space = "default") {
    const bool named = resource.scope == kube::Resource::Scope::namespaced;
    translator.remove(resource, {named ? name_space : "", name});
    return *this;
  }

  kube::Changes take() {
    kube::Changes changes = translator.take();
    for (const auto& [host, routes] : changes.hosts) hosts[host] = routes;
    for (const auto& [key, backend] : changes.backends) backends[key] = backend;
    return changes;
  }

  // "default/web:80", "308", "503", or "none": what becomes of a request. Paths as the data plane matches them.
  std::string answer(const std::string& host, const std::string& path) {
    (void)take();
    std::vector<config::Route> routes;
    for (const auto& [name, of_host] : hosts) routes.insert(routes.end(), of_host.begin(), of_host.end());
    proxy::RouteSlots slots;
    const proxy::RouteTable table(routes, slots);
    proxy::RequestHead head;
    head.authority = host;
    head.target = path;
    head.method = "GET";
    const proxy::CompiledRoute* found = table.match(head);
    if (found == nullptr) return "none";
    if (const auto* to = std::get_if<config::ToBackend>(&found->config.action)) return to->backend;
    if (const auto* to = std::get_if<config::Redirect>(&found->config.action)) return std::to_string(to->status);
    return std::to_string(std::get<config::Respond>(found->config.action).status);
  }

  // "10.1.0.1:8080 10.1.0.2:8080"; "gone" if there is no such backend.
  std::string endpoints(const std::string& backend) {
    (void)take();
    const auto found = backends.find(backend);
    if (found == backends.end() || !found->second) return "gone";
    std::string text;
    for (const config::Endpoint& endpoint : found->second->endpoints) {
      text += (text.empty() ? "" : " ") + endpoint.to_string();
    }
    return text;
  }

  const config::Backend& backend(const std::string& key) {
    (void)take();
    return *backends.at(key);
  }
  const config::Route& route(const std::string& host, std::size_t index = 0) {
    (void)take();
    return hosts.at(host).at(index);
  }

  // "reason object", sorted.
  std::vector<std::string> notices() {
    (void)take();
    std::vector<std::string> said;
    for (const kube::Notice& notice : translator.notices()) {
      said.push_back(notice.reason + " " + kube::to_string(notice.object.name));
    }
    std::ranges::sort(said);
    return said;
  }
  std::string message(const std::string& reason) {
    (void)take();
    for (const kube::Notice& notice : translator.notices()) {
      if (notice.reason == reason) return notice.message;
    }
    return "";
  }

  kube::Translator translator;
  std::map<std::string, std::vector<config::Route>> hosts;
  std::map<std::string, std::shared_ptr<const config::Backend>> backends;
};

}  // namespace test
