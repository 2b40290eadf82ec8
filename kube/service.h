// Service: v1 as plain data, as far as it says where requests go.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/metadata.h"

namespace kube {

struct ServicePort {
  std::string name;  // may be empty where it is the only one
  std::uint16_t port = 0;
  std::uint16_t target_port = 0;  // 0: by name, which only the EndpointSlices know
  std::string app_protocol;
  friend bool operator==(const ServicePort&, const ServicePort&) = default;
};

struct Service {
  Metadata metadata;
  enum class Kind : std::uint8_t { cluster, external_name };
  Kind kind = Kind::cluster;
  std::string external_name;
  std::vector<std::string> cluster_ips;  // none: headless
  std::vector<ServicePort> ports;        // TCP only
  friend bool operator==(const Service&, const Service&) = default;
};

[[nodiscard]] ObjectRead<Service> read_service(const nlohmann::json& object);

}  // namespace kube
