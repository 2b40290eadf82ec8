#include <algorithm>
#include <set>
#include <utility>

#include "base/ascii.h"
#include "config/sections.h"

namespace config {
namespace {

using By = ApplicationGatewayMirror::By;

constexpr Range<milliseconds> grace_times{milliseconds(0), std::chrono::days(365)};
constexpr std::size_t most_mirrored = 1000;
constexpr std::size_t longest_gateway_part = 80;

const Words<By> ways{{"pfx", By::pfx}, {"key_vault", By::key_vault}};

// A gateway's certificates and listeners: their names go into its document, and are cut and compared by bytes.
Read<std::string> parse_gateway_part(std::string_view text) {
  const bool plain = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
  if (auto name = parse_azure_segment(text); name && plain && text.size() <= longest_gateway_part) return name;
  return std::unexpected("at most 80 letters a to z, digits and -_.(), as names in a gateway are");
}

MirroredCertificate read_mirrored(const Value& value, Read<std::string> (*parse_name)(std::string_view)) {
  MirroredCertificate mirrored;
  if (!value.is(YamlNode::Kind::mapping)) {
    mirrored.certificate = value.parsed(parse_given_name).value_or("");
    return mirrored;
  }
  const Mapping map(value, keys::mirrored_certificate);
  if (map.require("certificate")) mirrored.certificate = map.parsed("certificate", parse_given_name);
  mirrored.name = map.parsed("name", parse_name);
  return mirrored;
}

std::vector<MirroredCertificate> read_all_mirrored(const Mapping& map,
                                                   Read<std::string> (*parse_name)(std::string_view)) {
  std::vector<MirroredCertificate> all;
  std::set<std::string> names;
  const auto list = map.find("certificates");
  if (!list) return all;
  for (const Value& element : list->list()) {
    MirroredCertificate mirrored = read_mirrored(element, parse_name);
    if (std::ranges::find(all, mirrored.certificate, &MirroredCertificate::certificate) != all.end()) {
      element.refuse("each only once");
    }
    // Azure compares names without regard to case.
    if (!mirrored.name.empty() && !names.insert(base::lower_case(mirrored.name)).second) {
      element.refuse("`" + mirrored.name + "` twice", "a name of its own for each, in any case");
    }
    all.push_back(std::move(mirrored));
  }
  if (all.size() > most_mirrored) list->refuse("too long a list", "at most 1000 certificates");
  return all;
}

// Azure compares names without regard to case: `tls-0` and `TLS-0` are one listener.
std::vector<std::string> read_listener_names(const std::optional<Value>& list) {
  std::vector<std::string> names = parsed_list(list, parse_gateway_part);
  std::set<std::string> seen;
  for (const std::string& name : names) {
    if (!seen.insert(base::lower_case(name)).second)
      list->refuse("`" + name + "` twice", "each only once, in any case");
  }
  return names;
}

ApplicationGatewayMirror read_gateway(const Value& value) {
  const Mapping map(value, keys::application_gateway);
  ApplicationGatewayMirror gateway;
  if (map.require("resource_id")) gateway.resource_id = map.parsed("resource_id", parse_application_gateway);
  gateway.certificates = read_all_mirrored(map, parse_gateway_part);
  gateway.by = map.choice("by", gateway.by, ways);
  gateway.vault = map.parsed("vault", parse_vault);
  if (gateway.by == By::key_vault && !map.has("vault")) {
    map.refuse_key("by", "`vault` beside it: where the gateway reads the certificates");
  }
  if (gateway.by == By::pfx && map.has("vault")) map.refuse_key("vault", "`by: key_vault` beside it");
  gateway.listeners = read_listener_names(map.find("listeners"));
  if (map.has("name_prefix")) gateway.name_prefix = map.parsed("name_prefix", parse_gateway_part);
  // What begins so is taken for our own and pruned. The usual prefix is that of another sekisho as well.
  const bool owns_prefix = map.has("name_prefix");
  gateway.prune_after =
      map.whole_seconds("prune_after", owns_prefix ? gateway.prune_after : std::chrono::seconds(0), grace_times);
  if (!owns_prefix && gateway.prune_after.count() > 0) {
    map.refuse_key("prune_after", "`name_prefix` beside it, which nobody else uses on this gateway");
  }
  gateway.probe_address = map.parsed("probe_address", parse_authority);
  gateway.identity = read_other_identity(map);
  return gateway;
}

KeyVaultMirror read_vault(const Value& value) {
  const Mapping map(value, keys::key_vault_mirror);
  KeyVaultMirror vault;
  if (map.require("vault")) vault.vault = map.parsed("vault", parse_vault);
  vault.certificates = read_all_mirrored(map, parse_vault_name);
  vault.name_prefix = map.parsed("name_prefix", parse_vault_name);
  vault.identity = read_other_identity(map);
  return vault;
}

}  // namespace

std::vector<Mirror> read_mirrors(const Value& value) {
  std::vector<Mirror> mirrors;
  for (const Value& element : value.list()) {
    const Mapping map(element, keys::mirror);
    const auto kind = map.only_one_of({"application_gateway", "key_vault"});
    if (!kind) continue;
    Mirror mirror;
    if (kind == "application_gateway") mirror.to = read_gateway(*map.find("application_gateway"));
    if (kind == "key_vault") mirror.to = read_vault(*map.find("key_vault"));
    if (std::ranges::find(mirrors, mirror) != mirrors.end()) {
      element.refuse("the same mirror a second time", "each only once");
    }
    mirrors.push_back(std::move(mirror));
  }
  return mirrors;
}

}  // namespace config
