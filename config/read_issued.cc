#include <algorithm>
#include <utility>

#include "config/sections.h"

namespace config {
namespace {

using Type = CertificateKey::Type;

constexpr std::size_t most_hosts = 100;  // what CAs put into one certificate
constexpr Range<milliseconds> renewals{std::chrono::minutes(1), std::chrono::days(365)};
constexpr Range<std::uint64_t> rates{1, 100'000};
constexpr Range<std::uint64_t> amounts{1, 1'000'000};

const Words<std::vector<Type>> keys_in_a_word{
    {"ecdsa", {Type::ecdsa}}, {"rsa", {Type::rsa}}, {"both", {Type::ecdsa, Type::rsa}}};
const Words<Type> key_types{{"ecdsa", Type::ecdsa}, {"rsa", Type::rsa}};
const Words<unsigned> rsa_sizes{{"2048", 2048}, {"3072", 3072}, {"4096", 4096}};
const Words<IssuedCertificate::UntilIssued> until_issued{{"local_ca", IssuedCertificate::UntilIssued::local_ca},
                                                         {"refuse", IssuedCertificate::UntilIssued::refuse}};

// A host pattern, or an address in the one form that certificates are compared by.
Read<std::string> parse_certificate_host(std::string_view text) {
  if (const auto address = base::IpAddress::parse(text)) return address->to_string();
  auto pattern = parse_host_pattern(text);
  // A wildcard for all names of a top-level domain: no CA issues it, and no client takes it.
  if (pattern && pattern->starts_with("*.") && pattern->find('.', 2) == std::string::npos) {
    return std::unexpected("a wildcard with at least two labels behind it, as in \"*.example.com\"");
  }
  return pattern;
}

Read<std::string> parse_certificate_name(std::string_view text) {
  auto name = parse_given_name(text);
  if (name && name->find('/') != std::string::npos) return std::unexpected("a name without /: it is a part of URLs");
  return name;
}

Read<std::string> parse_ask_url(std::string_view text) {
  if (text.find('?') != std::string_view::npos) return std::unexpected("a URL without a query: ?domain=NAME is added");
  return parse_secure_url(text);
}

std::vector<Type> read_types(const Value& value) {
  std::vector<Type> types;
  for (const Value& element : value.list()) {
    const auto type = element.choice(key_types);
    if (!type) continue;
    if (std::ranges::find(types, *type) != types.end()) {
      element.refuse("each only once");
    } else {
      types.push_back(*type);
    }
  }
  if (value.is(YamlNode::Kind::sequence) && value.node().items.empty()) {
    value.refuse("an empty list", "ecdsa, rsa, or both");
  }
  return types;
}

CertificateKey read_key(const Value& value) {
  CertificateKey key;
  if (!value.is(YamlNode::Kind::mapping)) {
    key.types = value.choice(keys_in_a_word).value_or(key.types);
    return key;
  }
  const Mapping map(value, keys::certificate_key);
  if (const auto types = map.find("types")) key.types = read_types(*types);
  key.rsa_bits = map.choice("rsa_bits", key.rsa_bits, rsa_sizes);
  const bool rsa = std::ranges::find(key.types, Type::rsa) != key.types.end();
  if (map.has("rsa_bits") && !rsa) map.refuse_key("rsa_bits", "it only where `types` has rsa");
  key.reuse = map.boolean("reuse", key.reuse);
  return key;
}

OnDemand read_on_demand(const Value& value) {
  const Mapping map(value, keys::on_demand);
  OnDemand on_demand;
  on_demand.allow = parsed_list(map.find("allow"), parse_host_pattern);
  on_demand.ask = map.parsed("ask", parse_ask_url);
  on_demand.ask_ca_certificates = map.path("ask_ca_certificates");
  if (map.has("ask_ca_certificates") && !map.has("ask")) map.refuse_key("ask_ca_certificates", "`ask` beside it");
  on_demand.new_per_hour = map.number("new_per_hour", on_demand.new_per_hour, rates);
  on_demand.at_most = map.number("at_most", on_demand.at_most, amounts);
  const auto allow = map.find("allow");
  const bool empty = !allow || (allow->is(YamlNode::Kind::sequence) && allow->node().items.empty());
  if (value.is(YamlNode::Kind::mapping) && empty && !map.has("ask")) {
    value.refuse("certificates for any name that a stranger asks for", "`allow`, `ask` or both");
  }
  return on_demand;
}

void read_hosts(const Value& value, PlacedCertificate& placed) {
  placed.issued.hosts = parsed_list(value, parse_certificate_host);
  const std::vector<YamlNode>& items = value.node().items;
  if (!value.is(YamlNode::Kind::sequence)) return;
  if (items.empty()) value.refuse("an empty list", "at least one host");
  if (items.size() > most_hosts) {
    value.refuse(std::to_string(items.size()) + " hosts", "at most 100 in one certificate; make several of them");
  }
  for (const YamlNode& item : items) {
    if (const auto host = parse_certificate_host(item.text)) placed.places.hosts.emplace(*host, item.mark);
  }
}

// Exactly one of a list of hosts and of a rule for hosts.
void read_what_for(const Mapping& map, PlacedCertificate& placed) {
  const auto hosts = map.find("hosts");
  const auto on_demand = map.find("on_demand");
  if (hosts && on_demand) map.refuse_key("on_demand", "only one of hosts, on_demand, and `hosts` is there");
  if (!hosts && !on_demand) map.value().refuse("certificate without `hosts`", "the key `hosts`, or `on_demand`");
  if (hosts) read_hosts(*hosts, placed);
  if (on_demand) {
    placed.issued.on_demand = read_on_demand(*on_demand);
    if (map.has("default")) map.refuse_key("default", "it only for a certificate that is there before it is asked for");
  }
}

}  // namespace

PlacedCertificate read_issued(const Mapping& map) {
  PlacedCertificate placed;
  IssuedCertificate& issued = placed.issued;
  read_what_for(map, placed);
  if (const auto issuer = map.require("issuer")) {
    issued.issuer = issuer->text().value_or("");
    if (!issued.issuer.empty()) placed.issuer = Reference{issued.issuer, issuer->mark()};
  }
  issued.name = map.parsed("name", parse_certificate_name);
  if (!map.has("name")) issued.name = issued.hosts.empty() ? "on-demand" : issued.hosts.front();
  if (const auto key = map.find("key")) issued.key = read_key(*key);
  if (map.has("profile")) issued.profile = map.text("profile");
  issued.challenge = read_challenge(map);
  if (map.has("renew_before")) issued.renew_before = map.whole_seconds("renew_before", seconds(0), renewals);
  issued.until_issued = map.choice("until_issued", issued.until_issued, until_issued);
  const auto place_of = [&map](std::string_view key) {
    const auto there = map.find(key);
    return there ? there->mark() : map.value().mark();
  };
  placed.places.name = place_of("name");
  placed.places.profile = place_of("profile");
  placed.places.challenge = place_of("challenge");
  placed.places.renew_before = place_of("renew_before");
  return placed;
}

}  // namespace config
