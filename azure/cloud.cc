#include "azure/cloud.h"

#include <cstdlib>
#include <utility>

#include "base/file.h"
#include "base/http_url.h"
#include "base/system_roots.h"

namespace azure {
namespace {

constexpr std::size_t largest_bundle = 4U << 20U;

// As the SDKs have them for each cloud.
Endpoints defaults_of(config::AzureCloud cloud) {
  Endpoints endpoints;
  switch (cloud) {
    case config::AzureCloud::worldwide:
      endpoints.authority = "https://login.microsoftonline.com";
      endpoints.resource_manager = "https://management.azure.com";
      endpoints.key_vault_suffix = "vault.azure.net";
      break;
    case config::AzureCloud::us_government:
      endpoints.authority = "https://login.microsoftonline.us";
      endpoints.resource_manager = "https://management.usgovcloudapi.net";
      endpoints.key_vault_suffix = "vault.usgovcloudapi.net";
      break;
    case config::AzureCloud::china:
      endpoints.authority = "https://login.chinacloudapi.cn";
      endpoints.resource_manager = "https://management.chinacloudapi.cn";
      endpoints.key_vault_suffix = "vault.azure.cn";
      break;
  }
  endpoints.metadata = "http://169.254.169.254";
  // Whose tokens it takes does not change with the place where it is reached.
  endpoints.resource_manager_scope = endpoints.resource_manager + "/.default";
  return endpoints;
}

void set_scopes(Endpoints& endpoints) {
  endpoints.key_vault_scope = "https://" + endpoints.key_vault_suffix + "/.default";
}

// The webhook writes it with a slash at the end.
std::string authority_of_environment() {
  const char* text = std::getenv("AZURE_AUTHORITY_HOST");
  std::string url = text == nullptr ? "" : text;
  while (url.ends_with('/')) url.pop_back();
  const auto parsed = base::parse_http_url(url);
  // Assertions that stand for our identity are sent there.
  const bool safe = parsed && !parsed->host().empty() && (parsed->secure || base::is_loopback_host(parsed->host()));
  return safe ? url : std::string();
}

base::Result<void> add_roots(const config::Azure& azure, Endpoints& endpoints) {
  if (azure.ca_certificates.empty()) return {};
  auto bundle = base::read_file(azure.ca_certificates, largest_bundle);
  if (!bundle) return std::unexpected(std::move(bundle.error()).in("azure: ca_certificates"));
  // A proxy with a private CA may stand before one endpoint, and the cloud's own CA behind another.
  endpoints.ca_pem = *std::move(bundle) + '\n' + base::system_roots();
  return {};
}

}  // namespace

std::string Endpoints::vault_url(std::string_view vault) const {
  if (vault.contains("://")) return std::string(vault);
  return "https://" + std::string(vault) + '.' + key_vault_suffix;
}

base::Result<Endpoints> endpoints_of(const config::Azure& azure) {
  Endpoints endpoints = defaults_of(azure.cloud);
  if (!azure.authority_host.empty()) {
    endpoints.authority = azure.authority_host;
  } else if (std::string given = authority_of_environment(); !given.empty()) {
    endpoints.authority = std::move(given);
  }
  if (!azure.resource_manager.empty()) endpoints.resource_manager = azure.resource_manager;
  if (!azure.key_vault_suffix.empty()) endpoints.key_vault_suffix = azure.key_vault_suffix;
  if (!azure.metadata_endpoint.empty()) endpoints.metadata = azure.metadata_endpoint;
  set_scopes(endpoints);
  if (auto added = add_roots(azure, endpoints); !added) return std::unexpected(std::move(added.error()));
  return endpoints;
}

base::Result<Endpoints> endpoints_of(const config::Azure& azure, config::AzureCloud cloud) {
  if (cloud == azure.cloud) return endpoints_of(azure);
  Endpoints endpoints = defaults_of(cloud);
  set_scopes(endpoints);
  if (auto added = add_roots(azure, endpoints); !added) return std::unexpected(std::move(added.error()));
  return endpoints;
}

}  // namespace azure
