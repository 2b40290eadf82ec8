// What the Ingresses that claim one host get of it. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "kube/ingress_plan.h"

namespace kube {

// What one Ingress claims of the host.
struct HostShare {
  const IngressPlan* plan = nullptr;
  std::vector<const RouteClaim*> claims;
};

struct HostRoutes {
  std::vector<config::Route> routes;
  std::vector<Notice> notices;  // to those who came too late
};

// `shares`: the oldest first. Of rules for the same path the first is taken, then the first fallback where nobody has
// "/", then, if nobody has anything, the spare ones. `otherwise` is what a host of any Ingress does with the rest.
[[nodiscard]] HostRoutes merge_host(const std::string& host, const std::vector<HostShare>& shares,
                                    const std::optional<config::Route>& otherwise);

}  // namespace kube
