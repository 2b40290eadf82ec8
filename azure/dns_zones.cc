#include "azure/dns_zones.h"

#include <utility>

#include "azure/dns_zone.h"
#include "azure/examination.h"
#include "azure/identity.h"

namespace azure {
namespace {

// Who writes, and where.
struct Writer {
  Endpoints endpoints;
  std::shared_ptr<Client> client;
};

// Of the same kind as that of the process, in another cloud.
base::Result<Writer> in_cloud(config::Azure azure, config::AzureCloud cloud, const base::Clock& clock) {
  auto endpoints = endpoints_of(azure, cloud);
  if (!endpoints) return std::unexpected(std::move(endpoints.error()));
  auto identity = make_identity(azure.identity, {.clock = clock, .endpoints = *endpoints});
  if (!identity) return std::unexpected(std::move(identity.error()));
  auto client = std::make_shared<Client>(make_tokens(*std::move(identity), clock),
                                         Client::Options{.clock = clock, .ca_pem = endpoints->ca_pem});
  return Writer{*std::move(endpoints), std::move(client)};
}

std::shared_ptr<Client> as(std::shared_ptr<Identity> identity, const Endpoints& endpoints, const base::Clock& clock) {
  return std::make_shared<Client>(make_tokens(std::move(identity), clock),
                                  Client::Options{.clock = clock, .ca_pem = endpoints.ca_pem});
}

struct Chosen {
  std::shared_ptr<Client> client;
  DnsZoneOptions options;
};

base::Result<Chosen> chosen_for(const config::AzureDns& zone, const config::Azure& azure, const Services& services,
                                const base::Clock& clock) {
  Writer writer{services.endpoints, services.client};
  const bool elsewhere = zone.cloud && *zone.cloud != azure.cloud;
  TokenRequest token{.scope = {}, .tenant = zone.identity.tenant_id, .client_id = zone.identity.client_id};
  const bool own = !zone.client_secret_file.empty() || !zone.managed_identity_resource_id.empty();
  if (elsewhere) {
    if (own) {
      auto endpoints = endpoints_of(azure, *zone.cloud);
      if (!endpoints) return std::unexpected(std::move(endpoints.error()).in("azure DNS"));
      writer.endpoints = *std::move(endpoints);
    } else {
      auto other = in_cloud(azure, *zone.cloud, clock);
      if (!other) return std::unexpected(std::move(other.error()).in("azure DNS"));
      writer = *std::move(other);
    }
  }
  if (own) {
    const IdentityOptions options{.clock = clock, .endpoints = writer.endpoints};
    auto identity = zone.client_secret_file.empty()
                        ? make_managed_identity_by_resource(zone.managed_identity_resource_id, options)
                        : make_client_secret_identity(zone.identity.tenant_id, zone.identity.client_id,
                                                      zone.client_secret_file.string(), options);
    writer.client = as(std::move(identity), writer.endpoints, clock);
    token.tenant.clear();
    token.client_id.clear();
  }
  token.scope = writer.endpoints.resource_manager_scope;
  return Chosen{std::move(writer.client),
                {.config = zone, .resource_manager = writer.endpoints.resource_manager, .token = std::move(token)}};
}

}  // namespace

base::Result<std::shared_ptr<acme::DnsZone>> dns_zone_of(const config::AzureDns& zone, const config::Azure& azure,
                                                         std::shared_ptr<const Services> services,
                                                         const base::Clock& clock) {
  auto chosen = chosen_for(zone, azure, *services, clock);
  if (!chosen) return std::unexpected(std::move(chosen.error()));
  return make_dns_zone(std::move(chosen->client), std::move(chosen->options));
}

base::Result<std::string> examine_zone_of(const config::AzureDns& zone, const config::Azure& azure,
                                          std::shared_ptr<const Services> services, const base::Clock& clock,
                                          const std::stop_token& stop) {
  auto chosen = chosen_for(zone, azure, *services, clock);
  if (!chosen) return std::unexpected(std::move(chosen.error()));
  return examine_zone(*chosen->client, chosen->options, stop);
}

}  // namespace azure
