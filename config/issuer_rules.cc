#include <algorithm>
#include <set>
#include <utility>

#include "config/quantities.h"
#include "config/sections.h"

namespace config {
namespace {

std::string named(ChallengeType type) {
  return "`" + std::string(to_string(type)) + "`";
}

void check_names(const CertificatesSection& certificates, Faults& faults) {
  std::set<std::string> names;
  for (const PlacedIssued& places : certificates.issued) {
    const auto& issued = std::get<IssuedCertificate>(certificates.sources[places.source].from);
    if (issued.name.empty() || names.insert(issued.name).second) continue;
    faults.add(places.name, "certificate " + quote(issued.name) + " a second time",
               "another `name`; without one it is the first host");
  }
}

// RFC 8738 §7: "the dns-01 challenge MUST NOT be used to validate IP identifiers".
void check_addresses(const IssuedCertificate& issued, const PlacedIssued& places, ChallengeType challenge,
                     Faults& faults) {
  if (!proved_by_dns(challenge)) return;
  for (const auto& [host, mark] : places.hosts) {
    if (std::ranges::find(issued.hosts, host) == issued.hosts.end() || !is_ip_address(host)) continue;
    faults.add(mark, "address " + quote(host) + " with the challenge " + named(challenge),
               "a host name, or the challenge http-01 or tls-alpn-01: no CA looks for addresses in the DNS");
  }
}

// Where some of the names can be got, they are, and the rest is a warning of `check`.
void check_wildcards(const IssuedCertificate& issued, const PlacedIssued& places, const AcmeIssuer& acme,
                     Faults& faults) {
  const auto unprovable = unprovable_hosts(issued, acme);
  if (unprovable.empty() || unprovable.size() < issued.hosts.size()) return;
  for (const std::string& host : unprovable) {
    const auto place = places.hosts.find(host);
    if (place == places.hosts.end()) continue;
    faults.add(place->second, "wildcard " + quote(host) + " with the challenge " + named(challenge_of(issued, acme)),
               "a challenge by DNS (`challenge: dns-01`, and `dns` in the issuer " + quote(issued.issuer) +
                   "): CAs issue wildcards by no other");
  }
}

void check_acme(const IssuedCertificate& issued, const PlacedIssued& places, const AcmeIssuer& acme, Faults& faults) {
  const ChallengeType challenge = challenge_of(issued, acme);
  if (issued.challenge && proved_by_dns(challenge) && !acme.dns) {
    faults.add(places.challenge, named(challenge) + " with an issuer without `dns`",
               "the key `dns` in the issuer " + quote(issued.issuer) + ": where the records are made");
  }
  check_addresses(issued, places, challenge, faults);
  check_wildcards(issued, places, acme, faults);
}

void check_renewal(const IssuedCertificate& issued, const PlacedIssued& places, seconds lifetime, Faults& faults) {
  if (!issued.renew_before || *issued.renew_before < lifetime) return;
  faults.add(places.renew_before, "`renew_before` of " + to_string(milliseconds(*issued.renew_before)),
             "less than the lifetime of what the issuer " + quote(issued.issuer) + " makes, " +
                 to_string(milliseconds(lifetime)));
}

}  // namespace

ChallengeType challenge_of(const IssuedCertificate& certificate, const AcmeIssuer& issuer) noexcept {
  return certificate.challenge.value_or(issuer.challenge);
}

std::vector<std::string> unprovable_hosts(const IssuedCertificate& certificate, const Issuer& issuer) {
  std::vector<std::string> hosts;
  const auto* acme = std::get_if<AcmeIssuer>(&issuer);
  if (acme == nullptr || proved_by_dns(challenge_of(certificate, *acme))) return hosts;
  std::ranges::copy_if(certificate.hosts, std::back_inserter(hosts),
                       [](const std::string& host) { return host.starts_with("*."); });
  return hosts;
}

void check_issued(const CertificatesSection& certificates, const IssuersSection& issuers, Faults& faults) {
  check_names(certificates, faults);
  for (const PlacedIssued& places : certificates.issued) {
    const auto& issued = std::get<IssuedCertificate>(certificates.sources[places.source].from);
    const auto found = issuers.issuers.find(issued.issuer);
    if (found == issuers.issuers.end()) continue;  // reported where it is named, or where it could not be read
    if (const auto* acme = std::get_if<AcmeIssuer>(&found->second)) check_acme(issued, places, *acme, faults);
    if (const auto* ca = std::get_if<CaIssuer>(&found->second)) check_renewal(issued, places, ca->lifetime, faults);
    if (const auto* self = std::get_if<SelfSignedIssuer>(&found->second)) {
      check_renewal(issued, places, self->lifetime, faults);
    }
  }
}

void check_fallbacks(const IssuersSection& issuers, Faults& faults) {
  for (const auto& [name, fallback] : issuers.fallbacks) {
    const auto target = issuers.issuers.find(fallback.name);
    if (target != issuers.issuers.end() && !std::holds_alternative<AcmeIssuer>(target->second)) {
      faults.add(fallback.mark, "fallback " + quote(fallback.name), "an issuer of the kind acme");
    }
    std::set<std::string> seen{name};
    for (auto at = issuers.fallbacks.find(name); at != issuers.fallbacks.end();
         at = issuers.fallbacks.find(at->second.name)) {
      if (at->second.name == name) {
        faults.add(fallback.mark, "fallback " + quote(fallback.name),
                   "an issuer whose own fallback does not lead back to " + quote(name));
        break;
      }
      if (!seen.insert(at->second.name).second) break;
    }
  }
}

}  // namespace config
