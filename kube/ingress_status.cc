#include "kube/ingress_status.h"

#include <algorithm>
#include <set>

#include "base/ip_network.h"

namespace kube {
namespace {

using nlohmann::json;

const json* member(const json& object, const char* name) {
  if (!object.is_object()) return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::string text(const json& object, const char* name) {
  const json* const found = member(object, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

void add(std::set<json>& into, const std::string& address) {
  if (address.empty() || address == "None") return;
  into.insert(json{{base::IpAddress::parse(address) ? "ip" : "hostname", address}});
}

void add_all(std::set<json>& into, const json* list) {
  if (list == nullptr || !list->is_array()) return;
  for (const json& one : *list) {
    if (one.is_string()) add(into, one.get<std::string>());
  }
}

std::set<json> balancer_of(const json& object) {
  std::set<json> found;
  const json* const status = member(object, "status");
  const json* const balancer = status == nullptr ? nullptr : member(*status, "loadBalancer");
  const json* const list = balancer == nullptr ? nullptr : member(*balancer, "ingress");
  if (list == nullptr || !list->is_array()) return found;
  for (const json& one : *list) {
    add(found, text(one, "ip"));
    add(found, text(one, "hostname"));
  }
  return found;
}

IngressAddresses as_list(const std::set<json>& addresses) {
  json list = json::array();
  for (const json& address : addresses) list.push_back(address);
  return list;
}

}  // namespace

IngressAddresses addresses_of(const std::vector<std::string>& given) {
  std::set<json> found;
  for (const std::string& address : given) add(found, address);
  return as_list(found);
}

IngressAddresses addresses_of_service(const json& service) {
  std::set<json> found = balancer_of(service);
  const json* const spec = member(service, "spec");
  if (spec == nullptr) return as_list(found);
  const std::string type = text(*spec, "type");
  add_all(found, member(*spec, "externalIPs"));
  if (type == "ExternalName") add(found, text(*spec, "externalName"));
  // A load balancer that has no address yet is waited for.
  if (found.empty() && type != "LoadBalancer") {
    add_all(found, member(*spec, "clusterIPs"));
    add(found, text(*spec, "clusterIP"));
  }
  return as_list(found);
}

IngressAddresses addresses_in(const json& ingress) {
  return as_list(balancer_of(ingress));
}

json status_patch(const IngressAddresses& addresses) {
  return {{"status", {{"loadBalancer", {{"ingress", addresses}}}}}};
}

}  // namespace kube
