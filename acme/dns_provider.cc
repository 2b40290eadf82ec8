#include "acme/dns_provider.h"

namespace acme {

base::Result<std::shared_ptr<DnsZone>> dns_zone_of(const config::AcmeIssuer& issuer) {
  if (!issuer.dns) return base::fail(base::Code::invalid, "DNS challenges need `dns` at the issuer");
  if (const auto* rfc2136 = std::get_if<config::Rfc2136>(&issuer.dns->provider)) {
    return make_rfc2136_zone(*rfc2136, issuer.nameservers);
  }
  return make_exec_zone(std::get<config::DnsExec>(issuer.dns->provider));
}

}  // namespace acme
