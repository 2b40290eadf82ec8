#include "kube/ingress_tls.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "config/faults.h"
#include "config/host_names.h"

namespace kube {
namespace {

void add_once(std::vector<std::string>& hosts, const std::string& host) {
  if (std::ranges::find(hosts, host) == hosts.end()) hosts.push_back(host);
}

}  // namespace

bool TlsPlan::covers(std::string_view host) const {
  if (host.empty()) return !hosts.empty() || !claims.empty();
  const std::size_t dot = host.find('.');
  return std::ranges::any_of(hosts, [&](const std::string& covered) {
    if (covered == host) return true;
    return covered.starts_with("*.") && dot != std::string_view::npos && !host.starts_with("*.") &&
           host.substr(dot) == std::string_view(covered).substr(1);
  });
}

TlsPlan plan_tls(const Ingress& ingress, const std::vector<std::optional<std::string>>& rule_hosts,
                 const ObjectRef& object, std::vector<Notice>& notices) {
  TlsPlan plan{.ingress = object};
  for (std::size_t i = 0; i < ingress.tls.size(); ++i) {
    const IngressTls& section = ingress.tls[i];
    std::vector<std::string> hosts;
    for (const std::string& written : section.hosts) {
      if (auto host = config::parse_host_pattern(written)) {
        add_once(hosts, *host);
      } else {
        notices.push_back({object, NoticeType::warning, reasons::invalid_host,
                           fmt::format("spec.tls[{}].hosts: found {}, expected {}; it is left out", i,
                                       config::quote(written), host.error())});
      }
    }
    if (section.hosts.empty()) {
      for (const auto& host : rule_hosts) {
        if (host && !host->empty()) add_once(hosts, *host);
      }
    }
    for (const std::string& host : hosts) {
      add_once(plan.hosts, host);
      if (section.secret_name.empty()) continue;
      plan.claims.push_back({.host = host, .secret = {ingress.metadata.name.name_space, section.secret_name}});
    }
  }
  return plan;
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
  for (const TlsClaim& claim : tls.claims) {
    auto made = std::ranges::find(certificates, claim.secret, &WantedCertificate::secret);
    if (made == certificates.end()) {
      certificates.push_back(shared);
      made = std::prev(certificates.end());
      made->secret = claim.secret;
    }
    add_once(made->hosts, claim.host);
  }
  return certificates;
}

}  // namespace kube
