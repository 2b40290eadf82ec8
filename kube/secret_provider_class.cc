#include "kube/secret_provider_class.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "config/faults.h"
#include "config/sections.h"
#include "config/yaml_tree.h"
#include "kube/vault_claim_text.h"

namespace kube {
namespace {

using config::YamlNode;

constexpr config::YamlBounds bounds{.bytes = 64U << 10U, .depth = 8, .nodes = 4'000, .copied_bytes = 64U << 10U};
constexpr std::string_view objects_place = "objects";

// An element of spec.parameters.objects.
struct MountedObject {
  std::string name;
  std::string type;
  std::string alias;
  std::string version;
};

std::string text_at(const YamlNode& mapping, std::string_view key) {
  for (std::size_t i = 0; i < mapping.keys.size() && i < mapping.items.size(); ++i) {
    if (mapping.keys[i].text == key && mapping.items[i].kind == YamlNode::Kind::scalar) return mapping.items[i].text;
  }
  return {};
}

std::optional<YamlNode> yaml_of(const std::string& text, const ObjectFields& parameters) {
  config::Faults faults("");
  auto tree = config::read_yaml(text, bounds, faults);
  if (tree && tree->kind == YamlNode::Kind::mapping) return tree;
  parameters.refuse(objects_place, "something else", "YAML: a mapping with `array`, a list of YAML texts");
  return std::nullopt;
}

// YAML in YAML: a list whose elements are texts that are YAML again.
std::vector<MountedObject> mounted_objects(const ObjectFields& parameters) {
  std::vector<MountedObject> objects;
  const auto tree = yaml_of(parameters.required_text(objects_place), parameters);
  if (!tree) return objects;
  for (std::size_t i = 0; i < tree->keys.size() && i < tree->items.size(); ++i) {
    if (tree->keys[i].text != "array") continue;
    for (const YamlNode& element : tree->items[i].items) {
      const auto inner = element.kind == YamlNode::Kind::mapping ? std::optional(element)
                         : objects.size() < most_vault_claims    ? yaml_of(element.text, parameters)
                                                                 : std::nullopt;
      if (!inner) return objects;
      objects.push_back({text_at(*inner, "objectName"), text_at(*inner, "objectType"), text_at(*inner, "objectAlias"),
                         text_at(*inner, "objectVersion")});
    }
  }
  return objects;
}

// What all Secrets of the class share.
VaultRead read_parameters(const ObjectFields& parameters) {
  VaultRead read{
      .vault = vault_name_in(parameters, "keyvaultName"),
      .identity = {.tenant_id = azure_id_in(parameters, "tenantId"), .client_id = azure_id_in(parameters, "clientID")},
      .cloud = cloud_in(parameters, "cloudName")};
  if (read.identity.tenant_id.empty()) read.identity.tenant_id = azure_id_in(parameters, "tenantID");
  // A managed identity by its id; without that key `clientID` is a workload identity's.
  if (const std::string assigned = azure_id_in(parameters, "userAssignedIdentityID"); !assigned.empty()) {
    read.identity.client_id = assigned;
  }
  if (parameters.text("usePodIdentity") == "true") {
    parameters.refuse("usePodIdentity", "`true`", "`false`: AAD Pod Identity is gone, sekisho shows its own identity");
  }
  return read;
}

// By its alias, which is the name of the file in the mount, or by its own.
const MountedObject* find(const std::vector<MountedObject>& objects, const std::string& name) {
  const auto by_alias = std::ranges::find(objects, name, &MountedObject::alias);
  if (by_alias != objects.end()) return &*by_alias;
  const auto by_name = std::ranges::find(objects, name, &MountedObject::name);
  return by_name == objects.end() ? nullptr : &*by_name;
}

// One TLS Secret: the object that both of its keys come from.
void read_pair(const ObjectFields& secret, const std::vector<MountedObject>& objects, VaultRead& read) {
  std::array<const MountedObject*, 2> parts{};
  for (const ObjectFields& data : secret.objects("data")) {
    const std::string key = data.text("key");
    if (key != "tls.crt" && key != "tls.key") continue;
    const std::string name = data.required_text("objectName");
    const MountedObject* object = find(objects, name);
    if (object == nullptr) {
      data.refuse("objectName", config::quote(name), "a name or an alias of spec.parameters.objects");
      return;
    }
    parts.at(key == "tls.key" ? 1 : 0) = object;
  }
  const auto [certificate, key] = parts;
  if (certificate == nullptr || key == nullptr) return secret.refuse("data", "one alone", "tls.crt and tls.key");
  if (certificate->name != key->name || certificate->version != key->version) {
    return secret.refuse("data", config::quote(certificate->name) + " and " + config::quote(key->name),
                         "tls.crt and tls.key of the same object of the vault");
  }
  const auto name = config::parse_vault_name(key->name);
  if (!name) return secret.refuse("data", config::quote(key->name), name.error());
  if (key->type == "key") {
    return secret.refuse("data", "objectType `key`", "`secret`: a vault gives out private keys only so");
  }
  read.object = *name;
  read.kind = kind_of(key->type == "cert" ? "cert" : "secret");
  read.version = version_of(secret, "data", key->version);
}

bool is_tls(const ObjectFields& secret) {
  if (secret.text("type") == "kubernetes.io/tls") return true;
  bool certificate = false;
  bool key = false;
  for (const ObjectFields& data : secret.objects("data")) {
    certificate = certificate || data.text("key") == "tls.crt";
    key = key || data.text("key") == "tls.key";
  }
  return certificate && key;
}

}  // namespace

std::vector<VaultClaim> vault_claims_of_class(const nlohmann::json& object) {
  std::vector<VaultClaim> claims;
  ObjectFaults shared;
  const ObjectFields fields(object, "", shared);
  const Metadata metadata = read_metadata(fields, Resource::Scope::namespaced);
  const auto spec = fields.object("spec");
  if (metadata.name.name.empty() || !spec) return claims;
  const VaultClaim start{.secret = {},
                         .object = reference_to(resources::secret_provider_classes, metadata),
                         .seniority = {metadata.created, metadata.name}};
  std::vector<ObjectFields> secrets;
  for (const ObjectFields& secret : spec->objects("secretObjects")) {
    if (secrets.size() < most_vault_claims && is_tls(secret)) secrets.push_back(secret);
  }
  if (secrets.empty()) return claims;

  const bool is_azure = spec->text("provider") == "azure";
  VaultRead read;
  std::vector<MountedObject> objects;
  const auto parameters = spec->object("parameters");
  if (!is_azure) {
    spec->refuse("provider", config::quote(spec->text("provider")), "`azure`");
  } else if (!parameters) {
    spec->refuse("parameters", "nothing", "a mapping");
  } else {
    read = read_parameters(*parameters);
    objects = mounted_objects(*parameters);
  }
  const std::size_t of_all = shared.size();
  for (const ObjectFields& secret : secrets) {
    VaultClaim claim = start;
    claim.secret = {metadata.name.name_space, secret.text("secretName")};
    claim.read = read;
    if (of_all == 0) read_pair(secret, objects, claim.read);
    if (claim.secret.name.empty()) secret.refuse("secretName", "nothing", "text");
    claim.problem = to_string(shared);
    shared.erase(shared.begin() + static_cast<std::ptrdiff_t>(of_all), shared.end());
    claim.concern = is_azure ? VaultClaim::Concern::ours : VaultClaim::Concern::foreign;
    if (!claim.problem.empty()) claim.read = {};
    if (!claim.secret.name.empty()) claims.push_back(std::move(claim));
  }
  return claims;
}

}  // namespace kube
