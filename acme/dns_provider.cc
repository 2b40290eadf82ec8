#include "acme/dns_provider.h"

namespace acme {

base::Result<std::shared_ptr<DnsZone>> dns_zone_of(const config::AcmeIssuer& issuer, const AzureZones& azure) {
  if (!issuer.dns) return base::fail(base::Code::invalid, "DNS challenges need `dns` at the issuer");
  if (const auto* rfc2136 = std::get_if<config::Rfc2136>(&issuer.dns->provider)) {
    return make_rfc2136_zone(*rfc2136, issuer.nameservers);
  }
  if (const auto* exec = std::get_if<config::DnsExec>(&issuer.dns->provider)) return make_exec_zone(*exec);
  if (!azure) return base::fail(base::Code::invalid, "Azure DNS cannot be reached from here");
  return azure(std::get<config::AzureDns>(issuer.dns->provider));
}

}  // namespace acme
