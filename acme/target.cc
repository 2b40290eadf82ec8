#include "acme/target.h"

#include <algorithm>

#include "acme/storage.h"
#include "certstore/name_lookup.h"

namespace acme {
namespace {

bool covers(const certstore::Facts& facts, const Identifier& identifier) {
  const auto has = [](const std::vector<std::string>& names, std::string_view name) {
    return std::ranges::find(names, name) != names.end();
  };
  if (identifier.type == Identifier::Type::ip) return has(facts.ip_addresses, identifier.value);
  if (has(facts.dns_names, identifier.value)) return true;
  return !identifier.wildcard() && has(facts.dns_names, certstore::wildcard_above(identifier.value));
}

}  // namespace

std::string Target::record() const {
  return key_part(wanted->name) + (key_type == config::CertificateKey::Type::rsa ? ".rsa" : ".ecdsa");
}

std::string Target::journal_key(const std::string& issuer) const {
  return "orders/" + record() + "." + key_part(issuer) + ".json";
}

std::vector<Target> targets_of(const config::IssuedCertificate& wanted) {
  const auto shared = std::make_shared<const config::IssuedCertificate>(wanted);
  std::vector<Target> targets;
  for (const auto type : wanted.key.types) targets.push_back({shared, type, identifiers_of(wanted.hosts)});
  return targets;
}

std::string lock_of_certificate(const std::string& name) {
  return "certificate-" + name;
}

bool covers(const certstore::Facts& facts, const std::vector<Identifier>& identifiers) {
  return std::ranges::all_of(identifiers, [&](const Identifier& identifier) { return covers(facts, identifier); });
}

}  // namespace acme
