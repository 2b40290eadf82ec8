#include "kube/external_secret.h"

#include <algorithm>
#include <set>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "config/faults.h"
#include "config/quantities.h"
#include "config/sections.h"
#include "kube/vault_claim_text.h"

namespace kube {
namespace {

constexpr std::string_view tls_type = "kubernetes.io/tls";

// One object of the vault, as a remoteRef names it.
struct Remote {
  std::string type;  // "secret", "cert", "key"
  std::string name;
  std::string version;
  friend auto operator<=>(const Remote&, const Remote&) = default;
};

// "NAME", "secret/NAME", "cert/NAME", "key/NAME".
Remote read_remote(const ObjectFields& ref) {
  const std::string key = ref.required_text("key");
  Remote remote{.type = "secret", .name = key};
  if (const auto slash = key.find('/'); slash != std::string::npos) {
    remote.type = key.substr(0, slash);
    remote.name = key.substr(slash + 1);
  }
  if (remote.type != "secret" && remote.type != "cert") {
    ref.refuse("key", config::quote(key), "NAME, secret/NAME or cert/NAME: a vault gives out private keys only so");
  }
  if (!key.empty()) {
    if (const auto name = config::parse_vault_name(remote.name); !name) {
      ref.refuse("key", config::quote(key), name.error());
    }
  }
  if (const std::string property = ref.text("property"); !property.empty()) {
    ref.refuse("property", config::quote(property), "none: the object is read as a certificate with its key");
  }
  remote.version = version_of(ref, "version", ref.text("version"));
  return remote;
}

// Where the two keys of a TLS Secret come from.
class RemoteObjects {
 public:
  explicit RemoteObjects(const ObjectFields& spec) : spec_(spec) {
    const auto target = spec.object("target");
    const auto template_fields = target ? target->object("template") : std::nullopt;
    if (template_fields) is_tls_ = template_fields->text("type") == tls_type;
    if (const auto data = template_fields ? template_fields->object("data") : std::nullopt) {
      is_tls_ = is_tls_ || (data->has("tls.crt") && data->has("tls.key"));
    }
    bool certificate = false;
    bool key = false;
    for (const ObjectFields& data : spec.objects("data")) {
      const std::string name = data.text("secretKey");
      certificate = certificate || name == "tls.crt";
      key = key || name == "tls.key";
    }
    has_both_ = certificate && key;
    is_tls_ = is_tls_ || has_both_;
  }

  [[nodiscard]] bool is_tls() const { return is_tls_; }

  void read(VaultRead& into) {
    for (const ObjectFields& data : spec_.objects("data")) {
      const std::string name = data.text("secretKey");
      if (has_both_ && name != "tls.crt" && name != "tls.key") continue;
      if (!take(data, "remoteRef")) return;
    }
    for (const ObjectFields& from : spec_.objects("dataFrom")) {
      if (has_both_) continue;
      if (!from.has("extract")) return from.refuse("extract", "nothing", "the name of one object of the vault");
      if (!take(from, "extract")) return;
    }
    if (objects_.empty()) return spec_.refuse("data", "nothing", "an object of the vault for tls.crt and tls.key");
    const Remote& first = *objects_.begin();
    for (const Remote& other : objects_) {
      if (other.name == first.name && other.version == first.version) continue;
      return spec_.refuse("data", config::quote(first.name) + " and " + config::quote(other.name),
                          "tls.crt and tls.key of the same object of the vault");
    }
    const bool by_secret = std::ranges::any_of(objects_, [](const Remote& one) { return one.type == "secret"; });
    into.object = first.name;
    into.version = first.version;
    into.kind = kind_of(by_secret ? "secret" : "cert");
  }

 private:
  bool take(const ObjectFields& holder, std::string_view key) {
    if (holder.has("sourceRef")) {
      holder.refuse("sourceRef", "one", "none: all of spec.secretStoreRef");
      return false;
    }
    const auto ref = holder.object(key);
    if (!ref) {
      holder.refuse(key, "nothing", "a mapping");
      return false;
    }
    if (objects_.size() < most_vault_claims) objects_.insert(read_remote(*ref));
    return true;
  }

  const ObjectFields& spec_;
  std::set<Remote> objects_;
  bool is_tls_ = false;
  bool has_both_ = false;
};

StoreRef read_store_ref(const ObjectFields& spec, const std::string& name_space) {
  StoreRef store;
  const auto fields = spec.object("secretStoreRef");
  if (!fields) {
    spec.refuse("secretStoreRef", "nothing", "a mapping");
    return store;
  }
  if (std::string kind = fields->text("kind"); !kind.empty()) store.kind = std::move(kind);
  if (store.kind != resources::secret_stores.kind && store.kind != resources::cluster_secret_stores.kind) {
    fields->refuse("kind", config::quote(store.kind), "SecretStore or ClusterSecretStore");
  }
  store.name.name = fields->required_text("name");
  if (store.kind == resources::secret_stores.kind) store.name.name_space = name_space;
  return store;
}

// As Go writes durations: "1h", "1h30m0s". Of several parts their sum.
std::optional<std::chrono::milliseconds> read_interval(const ObjectFields& spec) {
  const std::string text = spec.text("refreshInterval");
  if (text.empty()) return std::nullopt;
  std::chrono::milliseconds sum{0};
  std::string_view rest = text;
  while (!rest.empty() && sum < config::longest_duration) {
    const auto digits = rest.find_first_not_of("0123456789");
    const auto unit = std::min(rest.find_first_of("0123456789", std::min(digits, rest.size())), rest.size());
    const auto part = config::parse_duration(rest.substr(0, unit));
    if (!part) {
      spec.refuse("refreshInterval", config::quote(text), "a duration, such as 1h");
      return std::nullopt;
    }
    sum += *part;
    rest.remove_prefix(unit);
  }
  return sum;
}

// Who the store says that it is. sekisho shows its own identity; it can be another one of the same kind.
void read_store_identity(const ObjectFields& azure, VaultRead& read) {
  const std::string type = azure.text("authType");
  if (type != "WorkloadIdentity" && type != "ManagedIdentity") {
    azure.refuse("authType", type.empty() ? "nothing, which is `ServicePrincipal`" : config::quote(type),
                 "`WorkloadIdentity` or `ManagedIdentity`: sekisho shows its own identity");
  }
  if (azure.has("authSecretRef")) {
    azure.refuse("authSecretRef", "one", "none: sekisho shows its own identity, and reads no other");
  }
  read.identity.tenant_id = azure_id_in(azure, "tenantId");
  if (type == "ManagedIdentity") read.identity.client_id = azure_id_in(azure, "identityId");
}

void read_azure_store(const ObjectFields& azure, VaultRead& read) {
  read.vault = azure.required_text("vaultUrl");
  if (!read.vault.empty()) {
    const auto url = config::parse_vault(read.vault);
    if (url && url->starts_with("https://")) {
      read.vault = *url;
    } else {
      azure.refuse("vaultUrl", config::quote(read.vault), "a vault's URL, such as https://my-vault.vault.azure.net");
    }
  }
  read.cloud = cloud_in(azure, "environmentType");
  read_store_identity(azure, read);
}

std::vector<std::string> read_conditions(const ObjectFields& spec) {
  std::vector<std::string> names;
  for (const ObjectFields& condition : spec.objects("conditions")) {
    for (std::string& name : condition.texts("namespaces")) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

std::optional<ExternalSecret> read_external_secret(const nlohmann::json& object) {
  ObjectFaults faults;
  const ObjectFields fields(object, "", faults);
  const Metadata metadata = read_metadata(fields, Resource::Scope::namespaced);
  const auto spec = fields.object("spec");
  if (metadata.name.name.empty() || !spec) return std::nullopt;
  RemoteObjects remotes(*spec);
  if (!remotes.is_tls()) return std::nullopt;
  std::string secret = metadata.name.name;
  if (const auto target = spec->object("target")) {
    if (target->text("creationPolicy") == "None") return std::nullopt;
    if (std::string named = target->text("name"); !named.empty()) secret = std::move(named);
  }
  ExternalSecret read{.claim = {.secret = {metadata.name.name_space, std::move(secret)},
                                .object = reference_to(resources::external_secrets, metadata),
                                .seniority = {metadata.created, metadata.name}},
                      .store = read_store_ref(*spec, metadata.name.name_space)};
  remotes.read(read.claim.read);
  read.claim.read.poll = read_interval(*spec);
  read.claim.problem = to_string(faults);
  return read;
}

std::optional<SecretStore> read_secret_store(const Resource& resource, const nlohmann::json& object) {
  ObjectFaults faults;
  const ObjectFields fields(object, "", faults);
  const Metadata metadata = read_metadata(fields, resource.scope);
  if (metadata.name.name.empty()) return std::nullopt;
  SecretStore store{.name = {std::string(resource.kind), metadata.name}};
  const auto spec = fields.object("spec");
  const auto provider = spec ? spec->object("provider") : std::nullopt;
  const auto azure = provider ? provider->object("azurekv") : std::nullopt;
  if (azure) {
    read_azure_store(*azure, store.read);
  } else {
    fields.refuse("spec.provider", "another one", "`azurekv`");
    store.foreign = true;
  }
  if (spec && spec->has("conditions")) store.only_for = read_conditions(*spec);
  store.problem = to_string(faults);
  return store;
}

VaultClaim claim_of(const ExternalSecret& secret, const SecretStore* store) {
  VaultClaim claim = secret.claim;
  if (claim.problem.empty()) {
    const std::string named = fmt::format("{} {}", secret.store.kind, to_string(secret.store.name));
    if (store == nullptr) {
      claim.problem = fmt::format("spec.secretStoreRef: found {}, expected one that is there", named);
    } else if (!store->problem.empty()) {
      claim.problem = fmt::format("{}: {}", named, store->problem);
      if (store->foreign) claim.concern = VaultClaim::Concern::foreign;
    } else if (store->only_for &&
               std::ranges::find(*store->only_for, claim.secret.name_space) == store->only_for->end()) {
      claim.problem = fmt::format(
          "{}: spec.conditions: found none that names the namespace {}, expected one (selectors "
          "and regular expressions are not looked at)",
          named, claim.secret.name_space);
    }
  }
  if (!claim.problem.empty()) {
    claim.read = {};
    return claim;
  }
  claim.read.vault = store->read.vault;
  claim.read.identity = store->read.identity;
  claim.read.cloud = store->read.cloud;
  return claim;
}

}  // namespace kube
