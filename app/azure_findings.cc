#include "app/azure_findings.h"

#include <algorithm>
#include <string>
#include <utility>
#include <variant>

#include "azure/examination.h"

namespace app {
namespace {

using Verdict = acme::Finding::Verdict;

acme::Finding finding(std::string check, std::string name, base::Result<std::string> found) {
  return {.check = std::move(check),
          .name = std::move(name),
          .verdict = found ? Verdict::good : Verdict::bad,
          .text = found ? *std::move(found) : std::move(found.error().what)};
}

// Null: it writes into no zone of Azure DNS.
const config::AzureDns* zone_of(const config::Issuer& issuer) {
  const auto* acme = std::get_if<config::AcmeIssuer>(&issuer);
  return acme != nullptr && acme->dns ? std::get_if<config::AzureDns>(&acme->dns->provider) : nullptr;
}

acme::Finding mirror_finding(const std::shared_ptr<const azure::Services>& services, const config::Mirror& mirror,
                             const std::stop_token& stop) {
  if (const auto* vault = std::get_if<config::KeyVaultMirror>(&mirror.to)) {
    return finding("key vault mirror", services->endpoints.vault_url(vault->vault),
                   azure::examine_vault(services, *vault, stop));
  }
  const auto& gateway = std::get<config::ApplicationGatewayMirror>(mirror.to);
  return finding("application gateway", gateway.resource_id, azure::examine_gateway(*services, gateway, stop));
}

}  // namespace

bool names_azure(const config::Config& config) {
  return !config.mirrors.empty() ||
         std::ranges::any_of(config.certificates,
                             [](const config::CertificateSource& source) {
                               return std::holds_alternative<config::KeyVaultCertificate>(source.from);
                             }) ||
         std::ranges::any_of(config.issuers, [](const auto& issuer) { return zone_of(issuer.second) != nullptr; });
}

std::vector<acme::Finding> azure_findings(AzureSide& azure, const config::Config& config, const std::stop_token& stop) {
  std::vector<acme::Finding> all = azure.findings(stop);
  for (const config::Mirror& mirror : config.mirrors) all.push_back(mirror_finding(azure.services(), mirror, stop));
  for (const auto& [name, issuer] : config.issuers) {
    if (const config::AzureDns* const zone = zone_of(issuer)) {
      all.push_back(finding("azure dns", name, azure.examine(*zone, stop)));
    }
  }
  return all;
}

}  // namespace app
