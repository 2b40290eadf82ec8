#include "kube/ingress.h"

#include <fmt/format.h>

#include <utility>

namespace kube {
namespace {

// v1beta1: a number, or a name; a number in quotes is a name to the API and a number to those who wrote it.
ServicePortRef read_old_port(const ObjectFields& backend) {
  const nlohmann::json* port = backend.find("servicePort");
  if (port != nullptr && port->is_string()) return {.name = backend.text("servicePort")};
  return {.number = backend.port("servicePort").value_or(0)};
}

ServicePortRef read_port(const ObjectFields& service) {
  ServicePortRef port;
  const auto fields = service.object("port");
  if (!fields) {
    service.refuse("port", "nothing", "a name or a number");
    return port;
  }
  port.name = fields->text("name");
  port.number = fields->port("number").value_or(0);
  const bool both = fields->has("number") && !port.name.empty();
  if (both) fields->refuse("number", "it beside a name", "one of the two");
  if (!fields->has("number") && port.name.empty()) service.refuse("port", "nothing", "a name or a number");
  return port;
}

IngressBackend read_backend(const ObjectFields& fields) {
  IngressBackend backend;
  if (const auto service = fields.object("service")) {
    backend.service = service->required_text("name");
    backend.port = read_port(*service);
  } else if (const auto resource = fields.object("resource")) {
    backend.resource = fmt::format("{} {}", resource->required_text("kind"), resource->required_text("name"));
  } else if (fields.has("serviceName")) {
    backend.service = fields.required_text("serviceName");
    backend.port = read_old_port(fields);
  } else {
    fields.refuse("service", "nothing", "a service or a resource");
  }
  return backend;
}

IngressPath::Type read_type(const ObjectFields& path) {
  const std::string type = path.text("pathType");
  if (type == "Exact") return IngressPath::Type::exact;
  if (type == "Prefix") return IngressPath::Type::prefix;
  if (!type.empty() && type != "ImplementationSpecific") {
    path.refuse("pathType", "`" + type.substr(0, 40) + "`", "Exact, Prefix or ImplementationSpecific");
  }
  return IngressPath::Type::implementation_specific;
}

IngressRule read_rule(const ObjectFields& fields) {
  IngressRule rule;
  rule.host = fields.text("host");
  const auto http = fields.object("http");
  if (!http) return rule;
  for (const ObjectFields& path : http->objects("paths")) {
    IngressPath read;
    read.type = read_type(path);
    read.path = path.text("path");
    if (const auto backend = path.object("backend")) {
      read.backend = read_backend(*backend);
    } else {
      path.refuse("backend", "nothing", "a mapping");
    }
    rule.paths.push_back(std::move(read));
  }
  return rule;
}

}  // namespace

ObjectRead<Ingress> read_ingress(const nlohmann::json& object) {
  ObjectFaults faults;
  const ObjectFields fields(object, "", faults);
  Ingress ingress;
  ingress.metadata = read_metadata(fields, Resource::Scope::namespaced);
  if (const auto spec = fields.object("spec")) {
    if (spec->has("ingressClassName")) ingress.class_name = spec->text("ingressClassName");
    for (const std::string_view key : {"defaultBackend", "backend"}) {
      if (const auto backend = spec->object(key)) ingress.default_backend = read_backend(*backend);
    }
    for (const ObjectFields& rule : spec->objects("rules")) ingress.rules.push_back(read_rule(rule));
    for (const ObjectFields& tls : spec->objects("tls")) {
      ingress.tls.push_back({tls.texts("hosts"), tls.text("secretName")});
    }
  }
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return ingress;
}

}  // namespace kube
