// Ingress: networking.k8s.io/v1 as plain data. Whether its hosts and paths make sense is for kube/ingress_plan.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/metadata.h"

namespace kube {

// A port of a Service, by its name or by its number; one of the two.
struct ServicePortRef {
  std::string name;
  std::uint16_t number = 0;
  [[nodiscard]] std::string to_string() const { return name.empty() ? std::to_string(number) : name; }
  friend auto operator<=>(const ServicePortRef&, const ServicePortRef&) = default;
};

struct IngressBackend {
  std::string service;   // empty: it names a resource instead
  std::string resource;  // "StorageBucket icons", for people
  ServicePortRef port;
  friend bool operator==(const IngressBackend&, const IngressBackend&) = default;
};

struct IngressPath {
  enum class Type : std::uint8_t { exact, prefix, implementation_specific };
  Type type = Type::implementation_specific;
  std::string path;  // empty: not given
  IngressBackend backend;
  friend bool operator==(const IngressPath&, const IngressPath&) = default;
};

struct IngressRule {
  std::string host;  // as written; empty: any
  std::vector<IngressPath> paths;
  friend bool operator==(const IngressRule&, const IngressRule&) = default;
};

struct IngressTls {
  std::vector<std::string> hosts;
  std::string secret_name;  // empty: the default certificate
  friend bool operator==(const IngressTls&, const IngressTls&) = default;
};

struct Ingress {
  Metadata metadata;
  std::optional<std::string> class_name;
  std::optional<IngressBackend> default_backend;
  std::vector<IngressRule> rules;
  std::vector<IngressTls> tls;
  friend bool operator==(const Ingress&, const Ingress&) = default;
};

// `object` was written by whoever may write in that namespace. The spelling of v1beta1 (serviceName, servicePort,
// backend) is read too: it is what old guides show.
[[nodiscard]] ObjectRead<Ingress> read_ingress(const nlohmann::json& object);

}  // namespace kube
