#include "kube/ingress_plan.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <utility>

#include "config/faults.h"
#include "config/host_names.h"
#include "kube/annotations.h"
#include "kube/ingress_paths.h"
#include "kube/ingress_tls.h"

namespace kube {
namespace {

constexpr std::size_t longest_route_name = 240;

// One plan in the making.
class Planner {
 public:
  Planner(const Ingress& ingress, const PlanRules& rules) : ingress_(ingress), rules_(rules) {
    plan_.seniority = {ingress.metadata.created, ingress.metadata.name};
    plan_.ingress = reference_to(resources::ingresses, ingress.metadata);
  }

  IngressPlan run() {
    plan_.notices = apply_annotations(ingress_.metadata, plan_.ingress, settings_);
    if (!settings_.left_out) plan_all();
    bound_notices();
    return std::move(plan_);
  }

 private:
  void plan_all() {
    hosts_ = read_hosts();
    tls_ = plan_tls(ingress_, hosts_, plan_.ingress, plan_.notices);
    certificates();
    for (std::size_t i = 0; i < ingress_.rules.size(); ++i) {
      if (hosts_[i]) add_rule(i, *hosts_[i]);
    }
    add_more_hosts();
    add_default_backend();
  }

  void warn(const char* reason, std::string message) {
    plan_.notices.push_back({plan_.ingress, NoticeType::warning, reason, std::move(message)});
  }

  void bound_notices() {
    const std::size_t all = plan_.notices.size();
    if (all <= most_notices) return;
    plan_.notices.resize(most_notices - 1);
    warn(reasons::ingress_too_large, fmt::format("and {} more things are wrong with it", all - plan_.notices.size()));
  }

  // Of each rule; none: it is left out.
  std::vector<std::optional<std::string>> read_hosts() {
    std::vector<std::optional<std::string>> hosts;
    for (const IngressRule& rule : ingress_.rules) {
      if (rule.host.empty()) {
        hosts.emplace_back("");
        continue;
      }
      auto host = config::parse_host_pattern(rule.host);
      if (!host) {
        warn(reasons::invalid_host, fmt::format("spec.rules[{}].host: found {}, expected {}; the rule is left out",
                                                hosts.size(), config::quote(rule.host), host.error()));
      }
      hosts.push_back(host ? std::optional(*std::move(host)) : std::nullopt);
    }
    return hosts;
  }

  void certificates() {
    plan_.tls = tls_.claims;
    if (!settings_.wants_certificates) return;
    plan_.certificates = plan_certificates(tls_, settings_.certificate, rules_.default_issuer, plan_.notices);
    std::set<ObjectName> issued;
    for (const WantedCertificate& certificate : plan_.certificates) issued.insert(certificate.secret);
    for (TlsClaim& claim : plan_.tls) {
      if (issued.contains(claim.secret)) claim.filled = TlsClaim::Filled::by_issuer;
    }
  }

  void add_rule(std::size_t index, const std::string& host) {
    if (!settings_.app_root.empty()) {
      config::Redirect to{.status = 302};
      to.path = settings_.app_root;
      add({.host = host, .route = {.path = {config::PathMatch::Kind::exact, "/"}, .action = to}, .place = "app-root"});
    }
    const IngressRule& rule = ingress_.rules[index];
    for (std::size_t i = 0; i < rule.paths.size() && !is_full(); ++i) {
      add_path(rule.paths[i], host, fmt::format("spec.rules[{}].http.paths[{}]", index, i));
    }
    if (settings_.www_redirect && !host.empty() && !host.starts_with("*.")) {
      const bool bare = host.starts_with("www.");
      config::Redirect to{.status = 308};
      to.host = host;
      add({.rank = RouteClaim::Rank::spare,
           .host = bare ? host.substr(4) : "www." + host,
           .route = {.action = to},
           .place = "from-to-www-redirect"});
    }
  }

  void add_path(const IngressPath& path, const std::string& host, const std::string& place) {
    auto planned = plan_path(path, settings_, rules_.dialect);
    if (!planned) {
      warn(reasons::invalid_path, fmt::format("{}.path: found {}, expected {}; the path is left out", place,
                                              config::quote(path.path), planned.error()));
      return;
    }
    if (!planned->remark.empty()) {
      warn(reasons::unsupported_annotation,
           fmt::format("{}.path {}: {}", place, config::quote(path.path), planned->remark));
    }
    config::Route route{.path = std::move(planned->match)};
    route.action = action_for(path.backend, place);
    if (auto* to = std::get_if<config::ToBackend>(&route.action)) to->replace_prefix = std::move(planned->replacement);
    add({.host = host, .route = std::move(route), .place = place});
  }

  void add_default_backend() {
    if (!ingress_.default_backend) return;
    config::Route route{.action = action_for(*ingress_.default_backend, "spec.defaultBackend")};
    std::set<std::string> hosts;
    for (const RouteClaim& claim : plan_.claims) {
      if (claim.rank == RouteClaim::Rank::rule) hosts.insert(claim.host);
    }
    for (const auto& host : hosts_) {
      if (host) hosts.insert(*host);
    }
    hosts.insert("");
    for (const std::string& host : hosts) {
      const bool is_all = ingress_.rules.empty();
      add({.rank = is_all ? RouteClaim::Rank::rule : RouteClaim::Rank::fallback,
           .host = host,
           .route = route,
           .place = "spec.defaultBackend"});
    }
  }

  // Served as the first host of the rules is.
  void add_more_hosts() {
    const auto first = std::ranges::find_if(hosts_, [](const auto& host) { return host && !host->empty(); });
    if (first == hosts_.end()) return;
    std::vector<RouteClaim> copied;
    for (const RouteClaim& claim : plan_.claims) {
      if (claim.host == **first && claim.rank == RouteClaim::Rank::rule) copied.push_back(claim);
    }
    std::set<std::string> there;
    for (const auto& host : hosts_) {
      if (host) there.insert(*host);
    }
    for (const std::string& host : settings_.more_hosts) {
      if (is_full()) break;
      if (!there.insert(host).second) continue;
      for (RouteClaim claim : copied) {
        claim.host = host;
        add(std::move(claim));
      }
    }
  }

  std::variant<config::ToBackend, config::Redirect, config::Respond> action_for(const IngressBackend& backend,
                                                                                const std::string& place) {
    if (!settings_.guards.empty()) return unavailable();
    if (settings_.redirect) {
      config::Redirect redirect = *settings_.redirect;
      const auto& status = redirect.status == 301 ? settings_.permanent_status : settings_.temporary_status;
      redirect.status = status.value_or(redirect.status);
      return redirect;
    }
    if (backend.service.empty()) {
      warn(reasons::invalid_backend, fmt::format("{}: found {}, expected a Service; it is answered with 503", place,
                                                 config::quote(backend.resource)));
      return unavailable();
    }
    return config::ToBackend{.backend = use(backend)};
  }

  static config::Respond unavailable() { return {.status = 503, .body = "This service is not available.\n"}; }

  std::string use(const IngressBackend& backend) {
    BackendUse made{.service = {ingress_.metadata.name.name_space, backend.service},
                    .port = backend.port,
                    .settings = settings_.backend};
    made.key = fmt::format("{}:{}", to_string(made.service), backend.port.to_string());
    if (made.settings != BackendSettings()) made.key += "@" + ingress_.metadata.name.name;
    const std::string key = made.key;
    if (backend_keys_.insert(key).second) plan_.backends.push_back(std::move(made));
    return key;
  }

  // Says it once.
  bool is_full() {
    if (plan_.claims.size() < most_routes) return false;
    if (!std::exchange(told_full_, true)) {
      warn(reasons::ingress_too_large,
           fmt::format("its hosts and paths make more than {} routes; those behind them are left out: make several "
                       "Ingresses of it",
                       most_routes));
    }
    return true;
  }

  void add(RouteClaim claim) {
    if (is_full()) return;
    config::Route& route = claim.route;
    route.hosts.clear();
    if (!claim.host.empty()) route.hosts.push_back(claim.host);
    route.name = route_name(claim);
    const bool has_tls = settings_.tls_elsewhere || tls_.covers(claim.host);
    route.redirect_to_https = settings_.always_redirect_to_https ||
                              (has_tls && settings_.redirect_to_https.value_or(rules_.dialect == Dialect::nginx));
    route.body_size = settings_.body_size;
    route.request_headers = settings_.request_headers;
    plan_.claims.push_back(std::move(claim));
  }

  // "shop/web www.example.com/app"; "=" before a path that is exact, which makes a name of its own.
  [[nodiscard]] std::string route_name(const RouteClaim& claim) const {
    const config::PathMatch& path = claim.route.path;
    return fmt::format("{} {}{}{}", to_string(ingress_.metadata.name), claim.host.empty() ? "*" : claim.host,
                       path.kind == config::PathMatch::Kind::exact ? "=" : "", path.path)
        .substr(0, longest_route_name);
  }

  const Ingress& ingress_;
  const PlanRules& rules_;
  IngressPlan plan_;
  IngressSettings settings_;
  std::vector<std::optional<std::string>> hosts_;
  TlsPlan tls_;
  std::set<std::string> backend_keys_;
  bool told_full_ = false;
};

}  // namespace

IngressPlan plan_ingress(const Ingress& ingress, const PlanRules& rules) {
  return Planner(ingress, rules).run();
}

}  // namespace kube
