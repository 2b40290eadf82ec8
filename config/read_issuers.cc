#include <utility>

#include "config/sections.h"

namespace config {
namespace {

constexpr Range<milliseconds> lifetimes{std::chrono::minutes(1), std::chrono::days(3650)};
constexpr Range<std::uint64_t> ports{1, 65'535};
constexpr std::size_t most_nameservers = 8;

const Words<ChallengeType> challenges{{"http-01", ChallengeType::http01},
                                      {"tls-alpn-01", ChallengeType::tls_alpn01},
                                      {"dns-01", ChallengeType::dns01},
                                      {"dns-account-01", ChallengeType::dns_account01},
                                      {"dns-persist-01", ChallengeType::dns_persist01}};
const Words<Preflight> preflights{{"enforce", Preflight::enforce}, {"warn", Preflight::warn}, {"off", Preflight::off}};

ExternalAccount read_external_account(const Value& value) {
  const Mapping map(value, keys::external_account);
  ExternalAccount account;
  if (map.require("key_id")) account.key_id = map.text("key_id");
  if (map.require("hmac_key_file")) account.hmac_key_file = map.path("hmac_key_file");
  return account;
}

// RFC 8555 §7.3: a server refuses the account of a client that does not agree. Nobody can do that by default.
bool read_agreement(const Mapping& map) {
  constexpr const char* expected =
      "true: the CA gives an account only to those who agree to its terms of service, and only you can do that";
  const auto there = map.find("agree_to_terms");
  const auto agreed = there ? there->boolean() : std::nullopt;
  if (agreed == false) there->refuse("`agree_to_terms` of false", expected);
  if (!there && map.value().is(YamlNode::Kind::mapping) && !map.misspelt("agree_to_terms")) {
    map.value().refuse("acme without `agree_to_terms`", std::string("`agree_to_terms` of ") + expected);
  }
  return agreed.value_or(false);
}

void read_validation(const Mapping& map, AcmeIssuer& acme) {
  acme.challenge = read_challenge(map).value_or(acme.challenge);
  acme.preflight = map.choice("preflight", acme.preflight, preflights);
  if (const auto dns = map.find("dns")) acme.dns = read_dns(*dns);
  const auto nameservers = map.find("nameservers");
  acme.nameservers = parsed_list(nameservers, parse_nameserver);
  if (acme.nameservers.size() > most_nameservers) nameservers->refuse("too long a list", "at most 8 name servers");
  acme.http_port = static_cast<std::uint16_t>(map.number("http_port", acme.http_port, ports));
  acme.tls_port = static_cast<std::uint16_t>(map.number("tls_port", acme.tls_port, ports));
  if (needs_dns_provider(acme.challenge) && !acme.dns) {
    map.find("challenge")
        ->refuse("`" + std::string(to_string(acme.challenge)) + "` without `dns`",
                 "the key `dns` beside it: where the records are made");
  }
}

struct PlacedAcme {
  AcmeIssuer acme;
  std::optional<Reference> fallback;
};

PlacedAcme read_acme(const Value& value) {
  const Mapping map(value, keys::acme);
  AcmeIssuer acme;
  if (map.require("directory")) acme.directory = map.parsed("directory", parse_secure_url);
  acme.email = map.parsed("email", parse_email);
  acme.agree_to_terms = read_agreement(map);
  acme.ca_certificates = map.path("ca_certificates");
  acme.account_key = map.path("account_key");
  if (const auto account = map.find("external_account")) acme.external_account = read_external_account(*account);
  acme.profile = map.text("profile");
  acme.preferred_chain = map.text("preferred_chain");
  acme.renewal_info = map.boolean("renewal_info", acme.renewal_info);
  read_validation(map, acme);
  acme.fallback = map.text("fallback");
  std::optional<Reference> fallback;
  if (!acme.fallback.empty()) fallback = Reference{acme.fallback, map.find("fallback")->mark()};
  return {std::move(acme), std::move(fallback)};
}

CaIssuer read_ca(const Value& value) {
  const Mapping map(value, keys::ca);
  CaIssuer ca;
  if (map.require("certificate")) ca.certificate = map.path("certificate");
  if (map.require("key")) ca.key = map.path("key");
  ca.lifetime = map.whole_seconds("lifetime", ca.lifetime, lifetimes);
  return ca;
}

SelfSignedIssuer read_self_signed(const Value& value) {
  const Mapping map(value, keys::self_signed);
  SelfSignedIssuer issuer;
  issuer.lifetime = map.whole_seconds("lifetime", issuer.lifetime, lifetimes);
  return issuer;
}

void read_issuer(const NamedValue& entry, IssuersSection& section) {
  const Mapping map(entry.value, keys::issuer);
  const auto kind = map.only_one_of({"acme", "self_signed", "ca"});
  if (kind == "acme") {
    PlacedAcme placed = read_acme(*map.find("acme"));
    if (placed.fallback) section.fallbacks.emplace(entry.name, std::move(*placed.fallback));
    section.issuers.emplace(entry.name, std::move(placed.acme));
  } else if (kind == "ca") {
    section.issuers.emplace(entry.name, read_ca(*map.find("ca")));
  } else if (kind == "self_signed") {
    section.issuers.emplace(entry.name, read_self_signed(*map.find("self_signed")));
  }
}

}  // namespace

std::optional<ChallengeType> read_challenge(const Mapping& map) {
  const auto there = map.find("challenge");
  return there ? there->choice(challenges) : std::nullopt;
}

IssuersSection read_issuers(const Value& value) {
  IssuersSection section;
  for (const NamedValue& entry : named_values(value)) {
    section.declared.push_back(entry.name);
    if (entry.key.parsed(parse_given_name)) read_issuer(entry, section);
  }
  return section;
}

}  // namespace config
