// IngressClass: networking.k8s.io/v1 as plain data.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "kube/metadata.h"

namespace kube {

struct IngressClass {
  Metadata metadata;
  std::string controller;   // "sekisho.dev/ingress"
  bool is_default = false;  // for Ingresses that name no class
  friend bool operator==(const IngressClass&, const IngressClass&) = default;
};

[[nodiscard]] ObjectRead<IngressClass> read_ingress_class(const nlohmann::json& object);

}  // namespace kube
