#include "app/azure_json.h"

#include <array>

#include "config/quantities.h"

namespace app {
namespace {

using config::milliseconds;

Json mirrored_json(const std::vector<config::MirroredCertificate>& certificates) {
  Json result = Json::array();
  for (const auto& one : certificates) result.push_back({{"certificate", one.certificate}, {"name", one.name}});
  return result;
}

Json identity_json(const config::AzureOtherIdentity& identity) {
  return {{"tenant_id", identity.tenant_id}, {"client_id", identity.client_id}};
}

Json gateway_json(const config::ApplicationGatewayMirror& gateway) {
  Json result{{"resource_id", gateway.resource_id},
              {"certificates", mirrored_json(gateway.certificates)},
              {"by", gateway.by == config::ApplicationGatewayMirror::By::key_vault ? "key_vault" : "pfx"},
              {"vault", gateway.vault},
              {"listeners", gateway.listeners},
              {"name_prefix", gateway.name_prefix},
              {"prune_after", config::to_string(milliseconds(gateway.prune_after))},
              {"probe_address", gateway.probe_address}};
  result.update(identity_json(gateway.identity));
  return result;
}

}  // namespace

Json azure_json(const config::Azure& azure) {
  constexpr std::array kinds{"from_environment", "workload", "managed", "client_certificate", "command"};
  const config::AzureIdentity& identity = azure.identity;
  return {{"cloud", to_string(azure.cloud)},
          {"authority_host", azure.authority_host},
          {"resource_manager", azure.resource_manager},
          {"key_vault_suffix", azure.key_vault_suffix},
          {"metadata_endpoint", azure.metadata_endpoint},
          {"ca_certificates", azure.ca_certificates.string()},
          {"identity", kinds.at(static_cast<std::size_t>(identity.kind))},
          {"tenant_id", identity.tenant_id},
          {"client_id", identity.client_id},
          {"token_file", identity.token_file.string()},
          {"client_certificate",
           {{"certificate", identity.client_certificate.string()}, {"key", identity.client_key.string()}}},
          {"token_program", identity.token_command.empty() ? "" : identity.token_command.front()}};
}

Json key_vault_json(const config::KeyVaultCertificate& vault) {
  const bool secret = vault.kind == config::KeyVaultCertificate::Kind::secret;
  Json result{{"vault", vault.vault},
              {"name", vault.name},
              {"prefix", vault.prefix},
              {"tags", vault.tags},
              {"kind", secret ? "secret" : "certificate"},
              {"version", vault.version},
              {"poll", config::to_string(vault.poll)}};
  result.update(identity_json(vault.identity));
  return result;
}

Json mirrors_json(const std::vector<config::Mirror>& mirrors) {
  Json result = Json::array();
  for (const config::Mirror& mirror : mirrors) {
    if (const auto* gateway = std::get_if<config::ApplicationGatewayMirror>(&mirror.to)) {
      result.push_back({{"application_gateway", gateway_json(*gateway)}});
    } else if (const auto* vault = std::get_if<config::KeyVaultMirror>(&mirror.to)) {
      Json one{{"vault", vault->vault},
               {"certificates", mirrored_json(vault->certificates)},
               {"name_prefix", vault->name_prefix}};
      one.update(identity_json(vault->identity));
      result.push_back({{"key_vault", std::move(one)}});
    }
  }
  return result;
}

}  // namespace app
