// EndpointSlice: discovery.k8s.io/v1 as plain data.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/metadata.h"

namespace kube {

struct SlicePort {
  std::string name;
  std::optional<std::uint16_t> port;  // none: every port
  std::string app_protocol;
  friend bool operator==(const SlicePort&, const SlicePort&) = default;
};

struct SliceEndpoint {
  std::vector<std::string> addresses;
  bool ready = true;         // nothing said: true
  bool serving = true;       // nothing said: true
  bool terminating = false;  // nothing said: false
  friend bool operator==(const SliceEndpoint&, const SliceEndpoint&) = default;
};

struct EndpointSlice {
  Metadata metadata;
  std::string service;  // in the same namespace; empty: of none
  enum class AddressType : std::uint8_t { ip, name } address_type = AddressType::ip;
  std::vector<SliceEndpoint> endpoints;
  std::vector<SlicePort> ports;  // TCP only
  friend bool operator==(const EndpointSlice&, const EndpointSlice&) = default;
};

[[nodiscard]] ObjectRead<EndpointSlice> read_endpoint_slice(const nlohmann::json& object);

}  // namespace kube
