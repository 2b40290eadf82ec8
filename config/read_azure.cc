#include <utility>

#include "config/sections.h"

namespace config {
namespace {

using Kind = AzureIdentity::Kind;

constexpr Range<milliseconds> polls{seconds(1), std::chrono::hours(24)};
constexpr std::size_t most_tags = 15;  // that Key Vault lets an object have

const Words<AzureCloud> clouds{
    {"public", AzureCloud::worldwide}, {"us_government", AzureCloud::us_government}, {"china", AzureCloud::china}};
// As cert-manager's azureDNS calls them, and as they are called here.
const Words<AzureCloud> environments{
    {"AzurePublicCloud", AzureCloud::worldwide},  {"AzureUSGovernmentCloud", AzureCloud::us_government},
    {"AzureChinaCloud", AzureCloud::china},       {"public", AzureCloud::worldwide},
    {"us_government", AzureCloud::us_government}, {"china", AzureCloud::china}};
const Words<Kind> kinds{{"workload", Kind::workload},
                        {"managed", Kind::managed},
                        {"client_certificate", Kind::client_certificate},
                        {"command", Kind::command}};
const Words<KeyVaultCertificate::Kind> object_kinds{{"certificate", KeyVaultCertificate::Kind::certificate},
                                                    {"secret", KeyVaultCertificate::Kind::secret}};

// What one kind of identity cannot do without. What other kinds need may stand beside it: one key changes the kind.
void check_kind(const Mapping& map, Kind kind, std::pair<Kind, std::string_view> needs) {
  if (kind != needs.first || map.has(needs.second) || map.misspelt(needs.second)) return;
  map.refuse_key("identity", "the key `" + std::string(needs.second) + "` beside it");
}

AzureIdentity read_identity(const Mapping& map) {
  AzureIdentity identity;
  identity.kind = map.choice("identity", identity.kind, kinds);
  identity.tenant_id = map.parsed("tenant_id", parse_azure_segment);
  identity.client_id = map.parsed("client_id", parse_azure_segment);
  identity.token_file = map.path("token_file");
  if (const auto certificate = map.find("client_certificate")) {
    const Mapping files(*certificate, keys::azure_client_certificate);
    if (files.require("certificate")) identity.client_certificate = files.path("certificate");
    identity.client_key = files.path("key");
  }
  if (const auto command = map.find("token_command")) identity.token_command = read_command(*command);
  // Not one of those that wait for a change of `identity`: it is what makes people believe in workload identity.
  if (identity.kind == Kind::managed && map.has("token_file")) {
    map.refuse_key("token_file", "`identity: workload`: a managed identity has no token file");
  }
  check_kind(map, identity.kind, {Kind::client_certificate, "client_certificate"});
  check_kind(map, identity.kind, {Kind::command, "token_command"});
  return identity;
}

std::map<std::string, std::string> read_tags(const Value& value) {
  std::map<std::string, std::string> tags;
  for (const NamedValue& entry : named_values(value)) {
    if (auto text = entry.value.free_text()) tags.emplace(entry.name, *std::move(text));
  }
  if (value.is(YamlNode::Kind::mapping) && value.node().keys.empty()) value.refuse("no tags", "at least one tag");
  if (tags.size() > most_tags) value.refuse("too many tags", "at most 15");
  return tags;
}

}  // namespace

Azure read_azure(const Value& value) {
  const Mapping map(value, keys::azure);
  Azure azure;
  azure.cloud = map.choice("cloud", azure.cloud, clouds);
  azure.authority_host = map.parsed("authority_host", parse_endpoint_url);
  azure.resource_manager = map.parsed("resource_manager", parse_endpoint_url);
  azure.key_vault_suffix = map.parsed("key_vault_suffix", parse_dns_name);
  azure.metadata_endpoint = map.parsed("metadata_endpoint", parse_endpoint_url);
  azure.ca_certificates = map.path("ca_certificates");
  azure.identity = read_identity(map);
  return azure;
}

AzureOtherIdentity read_other_identity(const Mapping& map) {
  return {.tenant_id = map.parsed("tenant_id", parse_azure_segment),
          .client_id = map.parsed("client_id", parse_azure_segment)};
}

AzureDns read_azure_dns(const Value& value) {
  const Mapping map(value, keys::azure_dns);
  AzureDns dns;
  if (map.require("subscription_id")) dns.subscription_id = map.parsed("subscription_id", parse_azure_segment);
  if (map.require("resource_group")) dns.resource_group = map.parsed("resource_group", parse_azure_segment);
  dns.zone = map.parsed("zone", parse_dns_name);
  if (const auto cloud = map.find("environment")) dns.cloud = cloud->choice(environments);
  dns.identity = read_other_identity(map);
  dns.managed_identity_resource_id = map.text("managed_identity_resource_id");
  dns.client_secret_file = map.path("client_secret_file");
  if (map.has("managed_identity_resource_id") && map.has("client_id")) {
    map.refuse_key("managed_identity_resource_id", "only one of client_id, managed_identity_resource_id");
  }
  if (map.has("client_secret_file") && (!map.has("client_id") || !map.has("tenant_id"))) {
    map.refuse_key("client_secret_file", "`tenant_id` and `client_id` beside it");
  }
  return dns;
}

KeyVaultCertificate read_key_vault(const Value& value) {
  const Mapping map(value, keys::key_vault);
  KeyVaultCertificate vault;
  if (map.require("vault")) vault.vault = map.parsed("vault", parse_vault);
  (void)map.only_one_of({"name", "prefix", "tags"});
  vault.name = map.parsed("name", parse_vault_name);
  vault.prefix = map.parsed("prefix", parse_vault_name);
  if (const auto tags = map.find("tags")) vault.tags = read_tags(*tags);
  vault.kind = map.choice("kind", vault.kind, object_kinds);
  vault.version = map.parsed("version", parse_vault_name);
  if (map.has("version") && !map.has("name")) map.refuse_key("version", "`name` beside it: a version is of one object");
  vault.poll = map.duration("poll", vault.poll, polls);
  vault.identity = read_other_identity(map);
  return vault;
}

}  // namespace config
