#include "kube/endpoint_slice.h"

#include <utility>

namespace kube {
namespace {

SliceEndpoint read_endpoint(const ObjectFields& fields) {
  SliceEndpoint endpoint;
  endpoint.addresses = fields.texts("addresses");
  if (const auto conditions = fields.object("conditions")) {
    endpoint.ready = conditions->boolean("ready").value_or(true);
    endpoint.serving = conditions->boolean("serving").value_or(true);
    endpoint.terminating = conditions->boolean("terminating").value_or(false);
  }
  return endpoint;
}

}  // namespace

ObjectRead<EndpointSlice> read_endpoint_slice(const nlohmann::json& object) {
  ObjectFaults faults;
  const ObjectFields fields(object, "", faults);
  EndpointSlice slice;
  slice.metadata = read_metadata(fields, Resource::Scope::namespaced);
  const auto label = slice.metadata.labels.find("kubernetes.io/service-name");
  if (label != slice.metadata.labels.end()) slice.service = label->second;
  const std::string type = fields.text("addressType");
  if (type == "FQDN") slice.address_type = EndpointSlice::AddressType::name;
  if (type != "FQDN" && type != "IPv4" && type != "IPv6") {
    fields.refuse("addressType", type.empty() ? "nothing" : "`" + type.substr(0, 40) + "`", "IPv4, IPv6 or FQDN");
  }
  for (const ObjectFields& endpoint : fields.objects("endpoints")) slice.endpoints.push_back(read_endpoint(endpoint));
  for (const ObjectFields& port : fields.objects("ports")) {
    const std::string protocol = port.text("protocol");
    SlicePort read{port.text("name"), port.port("port"), port.text("appProtocol")};
    if (protocol.empty() || protocol == "TCP") slice.ports.push_back(std::move(read));
  }
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return slice;
}

}  // namespace kube
