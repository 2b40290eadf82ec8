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

// One of those that a certificate may be ordered from: its issuer, or one that this falls back to.
struct Orderer {
  const std::string& name;
  const AcmeIssuer& acme;
  bool is_fallback;
};

// " of the fallback `b`": whose challenge it is, if it is not the certificate's own issuer's.
std::string of(const Orderer& orderer) {
  return orderer.is_fallback ? " of the fallback " + quote(orderer.name) : "";
}

// RFC 8738 §7: "the dns-01 challenge MUST NOT be used to validate IP identifiers".
void check_addresses(const IssuedCertificate& issued, const PlacedIssued& places, const Orderer& orderer,
                     Faults& faults) {
  const ChallengeType challenge = challenge_of(issued, orderer.acme);
  if (!proved_by_dns(challenge)) return;
  for (const auto& [host, mark] : places.hosts) {
    if (std::ranges::find(issued.hosts, host) == issued.hosts.end() || !is_ip_address(host)) continue;
    faults.add(mark, "address " + quote(host) + " with the challenge " + named(challenge) + of(orderer),
               "a host name, or the challenge http-01 or tls-alpn-01: no CA looks for addresses in the DNS");
  }
}

// Where some of the names can be got, they are, and the rest is a warning of `check`. A fallback is asked for all that
// the issuer is asked for.
void check_wildcards(const IssuedCertificate& issued, const PlacedIssued& places, const Orderer& orderer,
                     Faults& faults) {
  const auto unprovable = unprovable_hosts(issued, orderer.acme);
  if (unprovable.empty() || (!orderer.is_fallback && unprovable.size() < issued.hosts.size())) return;
  for (const std::string& host : unprovable) {
    const auto place = places.hosts.find(host);
    if (place == places.hosts.end()) continue;
    faults.add(
        place->second,
        "wildcard " + quote(host) + " with the challenge " + named(challenge_of(issued, orderer.acme)) + of(orderer),
        "a challenge by DNS (`challenge: dns-01`, and `dns` in the issuer " + quote(orderer.name) +
            "): CAs issue wildcards by no other");
  }
}

void check_orderer(const IssuedCertificate& issued, const PlacedIssued& places, const Orderer& orderer,
                   Faults& faults) {
  const ChallengeType challenge = challenge_of(issued, orderer.acme);
  if (issued.challenge && needs_dns_provider(challenge) && !orderer.acme.dns) {
    faults.add(places.challenge, named(challenge) + " with an issuer without `dns`",
               "the key `dns` in the issuer " + quote(orderer.name) + ": where the records are made");
  }
  check_addresses(issued, places, orderer, faults);
  check_wildcards(issued, places, orderer, faults);
}

void check_acme(const IssuedCertificate& issued, const PlacedIssued& places, const IssuersSection& issuers,
                Faults& faults) {
  std::set<std::string> seen;
  bool wildcards_are_left_out = false;
  for (auto at = issuers.issuers.find(issued.issuer); at != issuers.issuers.end() && seen.insert(at->first).second;) {
    const auto* acme = std::get_if<AcmeIssuer>(&at->second);
    if (acme == nullptr) return;
    const bool is_fallback = seen.size() > 1;
    if (!is_fallback) wildcards_are_left_out = !unprovable_hosts(issued, *acme).empty();
    if (!is_fallback || !wildcards_are_left_out) check_orderer(issued, places, {at->first, *acme, is_fallback}, faults);
    at = issuers.issuers.find(acme->fallback);
  }
}

// Who signs by itself asks nobody for proof, and has no profiles.
void check_local(const IssuedCertificate& issued, const PlacedIssued& places, const Issuer& issuer, Faults& faults) {
  const std::string kind = std::holds_alternative<CaIssuer>(issuer) ? "`ca`" : "`self_signed`";
  const std::string expected = "no such key: the issuer " + quote(issued.issuer) + " is of the kind " + kind +
                               ", and only one of the kind `acme` takes it";
  if (issued.challenge) faults.add(places.challenge, "`challenge`", expected);
  if (issued.profile) faults.add(places.profile, "`profile`", expected);
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
    if (std::holds_alternative<AcmeIssuer>(found->second)) {
      check_acme(issued, places, issuers, faults);
    } else {
      check_local(issued, places, found->second, faults);
    }
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
