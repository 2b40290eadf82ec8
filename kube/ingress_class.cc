#include "kube/ingress_class.h"

#include <utility>

namespace kube {

ObjectRead<IngressClass> read_ingress_class(const nlohmann::json& object) {
  ObjectFaults faults;
  const ObjectFields fields(object, "", faults);
  IngressClass read;
  read.metadata = read_metadata(fields, Resource::Scope::cluster);
  if (const auto spec = fields.object("spec")) read.controller = spec->text("controller");
  const auto marked = read.metadata.annotations.find("ingressclass.kubernetes.io/is-default-class");
  read.is_default = marked != read.metadata.annotations.end() && marked->second == "true";
  if (!faults.empty()) return std::unexpected(std::move(faults));
  return read;
}

}  // namespace kube
