#include "kube/host_report.h"

#include <algorithm>

#include "certstore/name_lookup.h"
#include "config/host_names.h"

namespace kube {
namespace {

bool is_named(const std::vector<IngressRule>& rules, const std::string& host, const std::string& wildcard) {
  return std::ranges::any_of(rules, [&](const IngressRule& rule) {
    const auto named = config::parse_host_pattern(rule.host);
    return named && (*named == host || *named == wildcard);
  });
}

}  // namespace

std::optional<IngressOnHost> report_on(const Ingress& ingress, const IngressPlan* plan, const std::string& host) {
  const std::string wildcard = certstore::wildcard_above(host);
  IngressOnHost found{.name = ingress.metadata.name, .class_name = ClassRules::class_of(ingress)};
  if (plan == nullptr) {
    found.served = IngressOnHost::Served::elsewhere;
    return is_named(ingress.rules, host, wildcard) ? std::optional(found) : std::nullopt;
  }
  const auto is_for_host = [&](const auto& claim) { return claim.host == host || claim.host == wildcard; };
  found.has_route = std::ranges::any_of(plan->claims, is_for_host);
  const auto tls = std::ranges::find_if(plan->tls, is_for_host);
  if (tls != plan->tls.end()) {
    found.secret = tls->secret;
    const auto wanted = std::ranges::find(plan->certificates, tls->secret, &WantedCertificate::secret);
    if (wanted != plan->certificates.end()) found.wanted = *wanted;
  }
  // One whose rule is left out has something to say all the same.
  const bool says_something = found.has_route || found.secret || is_named(ingress.rules, host, wildcard);
  return says_something ? std::optional(std::move(found)) : std::nullopt;
}

}  // namespace kube
