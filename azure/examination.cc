#include "azure/examination.h"

#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "azure/gateway_document.h"
#include "azure/key_vault.h"
#include "azure/vault_reason.h"

namespace azure {
namespace {

constexpr std::size_t longest_document = 8U << 20U;
constexpr std::size_t longest_text = 500;

constexpr const char* untold = "whether it may be written cannot be known without writing: that takes ";

std::unexpected<base::Error> refusal(AzureFailure failure, std::string_view role) {
  if (failure.status == 403) failure.error.what += fmt::format("; the identity needs {}", role);
  failure.error.what = acme::shown(failure.error.what, longest_text);
  return std::unexpected(std::move(failure.error));
}

}  // namespace

base::Result<std::string> examine_vault(std::shared_ptr<const Services> services, const config::KeyVaultMirror& mirror,
                                        const std::stop_token& stop) {
  constexpr const char* role = "the role Key Vault Certificates Officer on the vault";
  KeyVault vault(std::move(services), mirror.vault, mirror.identity);
  const auto listed = vault.call("GET", "/certificates?maxresults=1", {}, stop);
  if (listed) return fmt::format("its certificates may be read; {}{}", untold, role);
  if (reason_of(listed.error()) == VaultReason::permission) return refusal(listed.error(), role);
  return std::unexpected(problem_of(listed.error(), "list the certificates").error);
}

base::Result<std::string> examine_gateway(const Services& services, const config::ApplicationGatewayMirror& mirror,
                                          const std::stop_token& stop) {
  constexpr const char* role =
      "Network Contributor on the gateway, the right to join its subnet, and Managed Identity Operator on its identity";
  const Endpoints& endpoints = services.endpoints;
  auto answer = services.client->send(
      {.url = fmt::format("{}{}?api-version={}", endpoints.resource_manager, mirror.resource_id, gateway_api_version),
       .token = TokenRequest{.scope = endpoints.resource_manager_scope,
                             .tenant = mirror.identity.tenant_id,
                             .client_id = mirror.identity.client_id},
       .body_limit = longest_document},
      stop);
  if (!answer) return refusal(std::move(answer.error()), role);
  const auto document = GatewayDocument::parse(std::move(answer->body));
  if (!document) return std::unexpected(document.error());
  if (document->stopped()) {
    return base::fail(base::Code::refused, "it is stopped: nothing is written until somebody starts it",
                      base::Origin::upstream);
  }
  for (const std::string& listener : mirror.listeners) {
    if (!document->listener(listener)) {
      return base::fail(base::Code::not_found, fmt::format("it has no listener {}", listener), base::Origin::upstream);
    }
  }
  return fmt::format("it may be read, {}; {}{}",
                     document->updating() ? "and an operation is under way" : "and no operation is under way", untold,
                     role);
}

base::Result<std::string> examine_zone(Client& client, const DnsZoneOptions& zone, const std::stop_token& stop) {
  constexpr const char* role = "the role DNS Zone Contributor on the zone";
  const bool named = !zone.config.zone.empty();
  const auto answer = client.object({.url = url_of_zones(zone), .token = zone.token}, stop);
  if (!answer) return refusal(answer.error(), named ? role : "Reader on the resource group, to find the zone in it");
  if (named) return fmt::format("the zone may be read; {}{}", untold, role);
  const nlohmann::json* zones = acme::array_member(*answer, "value");
  const bool none = (zones == nullptr || zones->empty()) && acme::text_member(*answer, "nextLink") == nullptr;
  if (none) return base::fail(base::Code::not_found, "there is no zone that it may see", base::Origin::upstream);
  return fmt::format("its zones may be listed; {}{}", untold, role);
}

}  // namespace azure
