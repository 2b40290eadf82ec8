#include <algorithm>
#include <utility>

#include "config/sections.h"

namespace config {
namespace {

using By = ApplicationGatewayMirror::By;

constexpr Range<milliseconds> grace_times{milliseconds(0), std::chrono::days(365)};
constexpr std::size_t most_mirrored = 1000;

const Words<By> ways{{"pfx", By::pfx}, {"key_vault", By::key_vault}};

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
  const auto list = map.find("certificates");
  if (!list) return all;
  for (const Value& element : list->list()) {
    MirroredCertificate mirrored = read_mirrored(element, parse_name);
    if (std::ranges::find(all, mirrored.certificate, &MirroredCertificate::certificate) != all.end()) {
      element.refuse("each only once");
    }
    all.push_back(std::move(mirrored));
  }
  if (all.size() > most_mirrored) list->refuse("too long a list", "at most 1000 certificates");
  return all;
}

ApplicationGatewayMirror read_gateway(const Value& value) {
  const Mapping map(value, keys::application_gateway);
  ApplicationGatewayMirror gateway;
  if (map.require("resource_id")) gateway.resource_id = map.parsed("resource_id", parse_application_gateway);
  gateway.certificates = read_all_mirrored(map, parse_azure_segment);
  gateway.by = map.choice("by", gateway.by, ways);
  gateway.vault = map.parsed("vault", parse_vault);
  if (gateway.by == By::key_vault && !map.has("vault")) {
    map.refuse_key("by", "`vault` beside it: where the gateway reads the certificates");
  }
  if (gateway.by == By::pfx && map.has("vault")) map.refuse_key("vault", "`by: key_vault` beside it");
  gateway.listeners = parsed_list(map.find("listeners"), parse_azure_segment);
  if (map.has("name_prefix")) gateway.name_prefix = map.parsed("name_prefix", parse_azure_segment);
  gateway.prune_after = map.whole_seconds("prune_after", gateway.prune_after, grace_times);
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
