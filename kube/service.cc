#include "kube/service.h"

#include <utility>

namespace kube {
namespace {

ServicePort read_port(const ObjectFields& fields) {
  ServicePort port;
  port.name = fields.text("name");
  port.port = fields.port("port").value_or(0);
  if (!fields.has("port")) fields.refuse("port", "nothing", "a port, 1 to 65535");
  port.app_protocol = fields.text("appProtocol");
  const nlohmann::json* target = fields.find("targetPort");
  if (target == nullptr) {
    port.target_port = port.port;
  } else if (!target->is_string()) {
    port.target_port = fields.port("targetPort").value_or(0);
  }
  return port;
}

std::vector<std::string> read_cluster_ips(const ObjectFields& spec) {
  std::vector<std::string> addresses = spec.texts("clusterIPs");
  if (addresses.empty()) addresses.push_back(spec.text("clusterIP"));
  std::erase_if(addresses, [](const std::string& address) { return address.empty() || address == "None"; });
  return addresses;
}

}  // namespace

ObjectRead<Service> read_service(const nlohmann::json& object) {
  ObjectFaults faults;
  const ObjectFields fields(object, "", faults);
  Service service;
  service.metadata = read_metadata(fields, Resource::Scope::namespaced);
  if (const auto spec = fields.object("spec")) {
    if (spec->text("type") == "ExternalName") {
      service.kind = Service::Kind::external_name;
      service.external_name = spec->required_text("externalName");
    }
    service.cluster_ips = read_cluster_ips(*spec);
    for (const ObjectFields& port : spec->objects("ports")) {
      const std::string protocol = port.text("protocol");
      ServicePort read = read_port(port);
      if (protocol.empty() || protocol == "TCP") service.ports.push_back(std::move(read));
    }
  }
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return service;
}

}  // namespace kube
