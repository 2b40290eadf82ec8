#include "kube/ingress_tls.h"

#include <fmt/format.h>

#include <map>
#include <set>
#include <utility>

#include "config/faults.h"
#include "config/host_names.h"

namespace kube {
namespace {

// Reads the sections of one Ingress, as far as there is room.
class Sections {
 public:
  Sections(const Ingress& ingress, const ObjectRef& object, std::vector<Notice>& notices)
      : ingress_(ingress), notices_(notices) {
    plan_.ingress = object;
  }

  TlsPlan read(const std::vector<std::optional<std::string>>& rule_hosts) {
    std::set<std::string> of_rules;
    for (const auto& host : rule_hosts) {
      if (host && !host->empty()) of_rules.insert(*host);
    }
    for (std::size_t i = 0; i < ingress_.tls.size(); ++i) {
      const IngressTls& section = ingress_.tls[i];
      for (const std::string& written : section.hosts) {
        if (!has_room()) return std::move(plan_);
        take(i, written);
      }
      if (!section.hosts.empty()) continue;
      for (const std::string& host : of_rules) {
        if (!has_room()) return std::move(plan_);
        claim(host, section.secret_name);
      }
    }
    return std::move(plan_);
  }

 private:
  bool has_room() {
    if (taken_++ < most_tls_hosts) return true;
    warn(reasons::ingress_too_large,
         fmt::format("spec.tls has more than {} hosts; those behind them are left out: make several Ingresses of it",
                     most_tls_hosts));
    return false;
  }

  void take(std::size_t section, const std::string& written) {
    const auto host = config::parse_host_pattern(written);
    if (host) return claim(*host, ingress_.tls[section].secret_name);
    warn(reasons::invalid_host, fmt::format("spec.tls[{}].hosts: found {}, expected {}; it is left out", section,
                                            config::quote(written), host.error()));
  }

  void claim(const std::string& host, const std::string& secret) {
    plan_.hosts.insert(host);
    if (secret.empty() || !claimed_.emplace(host, secret).second) return;
    plan_.claims.push_back({.host = host, .secret = {ingress_.metadata.name.name_space, secret}});
  }

  void warn(const char* reason, std::string message) {
    notices_.push_back({plan_.ingress, NoticeType::warning, reason, std::move(message)});
  }

  const Ingress& ingress_;
  std::vector<Notice>& notices_;
  TlsPlan plan_;
  std::set<std::pair<std::string, std::string>> claimed_;  // host, Secret
  std::size_t taken_ = 0;
};

}  // namespace

bool TlsPlan::covers(std::string_view host) const {
  if (host.empty()) return !hosts.empty() || !claims.empty();
  if (hosts.contains(host)) return true;
  const std::size_t dot = host.find('.');
  return dot != std::string_view::npos && !host.starts_with("*.") &&
         hosts.contains("*" + std::string(host.substr(dot)));
}

TlsPlan plan_tls(const Ingress& ingress, const std::vector<std::optional<std::string>>& rule_hosts,
                 const ObjectRef& object, std::vector<Notice>& notices) {
  return Sections(ingress, object, notices).read(rule_hosts);
}

std::vector<WantedCertificate> plan_certificates(const TlsPlan& tls, const WantedCertificate& wanted,
                                                 const std::optional<IssuerRef>& default_issuer,
                                                 std::vector<Notice>& notices) {
  WantedCertificate shared = wanted;
  shared.ingress = tls.ingress;
  if (shared.issuer.name.empty() && default_issuer) shared.issuer = *default_issuer;
  if (shared.issuer.kind.empty()) shared.issuer.kind = "Issuer";
  if (shared.issuer.group.empty()) shared.issuer.group = "cert-manager.io";
  std::string problem;
  if (shared.issuer.name.empty())
    problem = "kubernetes.io/tls-acme asks for the default issuer, and none is configured";
  if (tls.claims.empty()) problem = "a certificate is asked for, and no TLS section names a Secret and hosts";
  if (!problem.empty()) {
    notices.push_back({tls.ingress, NoticeType::warning, reasons::bad_certificate_request, std::move(problem)});
    return {};
  }
  std::vector<WantedCertificate> certificates;
  std::map<ObjectName, std::size_t> places;
  for (const TlsClaim& claim : tls.claims) {
    const auto [place, is_new] = places.emplace(claim.secret, certificates.size());
    if (is_new) certificates.emplace_back(shared).secret = claim.secret;
    certificates[place->second].hosts.push_back(claim.host);
  }
  return certificates;
}

}  // namespace kube
