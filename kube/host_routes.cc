#include "kube/host_routes.h"

#include <fmt/format.h>

#include <map>
#include <utility>

namespace kube {
namespace {

using Rank = RouteClaim::Rank;

using PathKey = std::pair<config::PathMatch::Kind, std::string>;

PathKey key_of(const config::Route& route) {
  return {route.path.kind, route.path.path};
}

Notice taken(const IngressPlan& loser, const RouteClaim& claim, const IngressPlan& owner) {
  const bool own = owner.ingress.name == loser.ingress.name;
  return {loser.ingress, NoticeType::warning, reasons::host_path_taken,
          fmt::format("{}: host {} and {}path {} belong to {}", claim.place, claim.host.empty() ? "*" : claim.host,
                      claim.route.path.kind == config::PathMatch::Kind::exact ? "exact " : "", claim.route.path.path,
                      own ? std::string("an earlier rule of this Ingress")
                          : fmt::format("Ingress {}, which is older", to_string(owner.ingress.name)))};
}

}  // namespace

HostRoutes merge_host(const std::string& host, const std::vector<HostShare>& shares,
                      const std::optional<config::Route>& otherwise) {
  HostRoutes merged;
  std::map<PathKey, const IngressPlan*> owners;
  const auto take_all = [&](Rank rank) {
    for (const HostShare& share : shares) {
      for (const RouteClaim* claim : share.claims) {
        if (claim->rank != rank) continue;
        const auto [owner, is_new] = owners.emplace(key_of(claim->route), share.plan);
        if (is_new) {
          merged.routes.push_back(claim->route);
        } else if (rank == Rank::rule) {
          merged.notices.push_back(taken(*share.plan, *claim, *owner->second));
        }
      }
    }
  };
  take_all(Rank::rule);
  take_all(Rank::fallback);
  if (merged.routes.empty()) take_all(Rank::spare);
  const bool any = !merged.routes.empty() || host.empty();
  if (otherwise && any && owners.emplace(key_of(*otherwise), nullptr).second) {
    config::Route route = *otherwise;
    if (!host.empty()) route.hosts = {host};
    route.name = fmt::format("default backend {}", host.empty() ? "*" : host);
    merged.routes.push_back(std::move(route));
  }
  return merged;
}

}  // namespace kube
