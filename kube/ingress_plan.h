// IngressPlan: what one Ingress asks for, in the terms of the route model, without a look at any other object. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "kube/class_rules.h"
#include "kube/ingress.h"
#include "kube/ingress_settings.h"
#include "kube/notice.h"

namespace kube {

// A port of a Service, and how to speak to what is behind it.
struct BackendUse {
  std::string key;  // "shop/web:80"; "shop/web:80@INGRESS" where annotations say more. Stays while they change.
  ObjectName service;
  ServicePortRef port;
  BackendSettings settings;
  friend bool operator==(const BackendUse&, const BackendUse&) = default;
};

struct RouteClaim {
  enum class Rank : std::uint8_t {
    rule,      // of several for the same host and path the oldest Ingress has it, and the others are told
    fallback,  // behind all rules of its host: a default backend
    spare,     // only if nobody has anything else for the host
  };
  Rank rank = Rank::rule;
  std::string host;     // as in config::Route; empty: any
  config::Route route;  // of that host alone
  std::string place;    // "spec.rules[0].http.paths[1]"
};

struct TlsClaim {
  std::string host;  // exact or wildcard
  ObjectName secret;
  enum class Filled : std::uint8_t { by_owner, by_issuer } filled = Filled::by_owner;  // whom its absence concerns
};

struct IngressPlan {
  Seniority seniority;
  ObjectRef ingress;
  std::vector<RouteClaim> claims;
  std::vector<BackendUse> backends;  // each once
  std::vector<TlsClaim> tls;
  std::vector<WantedCertificate> certificates;
  std::vector<Notice> notices;
};

struct PlanRules {
  Dialect dialect = Dialect::nginx;
  std::optional<IssuerRef> default_issuer;  // for kubernetes.io/tls-acme
};

// Of one Ingress; what goes beyond is left out and its owner told.
inline constexpr std::size_t most_routes = 5000;  // hosts and aliases times paths
inline constexpr std::size_t most_notices = 100;

[[nodiscard]] IngressPlan plan_ingress(const Ingress& ingress, const PlanRules& rules);

}  // namespace kube
