// What an Ingress says of where it is reached: status.loadBalancer. Pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace kube {

// status.loadBalancer.ingress of an Ingress: a list of {"ip"} and {"hostname"}, sorted, each once.
using IngressAddresses = nlohmann::json;

// As given by hand: addresses and names.
[[nodiscard]] IngressAddresses addresses_of(const std::vector<std::string>& given);
// Where a Service is reached: its load balancer and external addresses; of one that has no load balancer and asks for
// none, its cluster addresses; of an ExternalName, that.
[[nodiscard]] IngressAddresses addresses_of_service(const nlohmann::json& service);
// What the Ingress says now, as far as it can be read.
[[nodiscard]] IngressAddresses addresses_in(const nlohmann::json& ingress);
// The patch that makes it say this.
[[nodiscard]] nlohmann::json status_patch(const IngressAddresses& addresses);

}  // namespace kube
