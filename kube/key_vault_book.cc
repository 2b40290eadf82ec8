#include "kube/key_vault_book.h"

#include <tuple>
#include <utility>

#include "kube/secret_provider_class.h"

namespace kube {
namespace {

bool is_store(const Resource& resource) {
  return resource.kind == resources::secret_stores.kind || resource.kind == resources::cluster_secret_stores.kind;
}

ObjectName name_in(const Resource& resource, const nlohmann::json& object) {
  ObjectFaults faults;
  return read_metadata(ObjectFields(object, "", faults), resource.scope).name;
}

}  // namespace

void KeyVaultBook::upsert(const Resource& resource, const nlohmann::json& object) {
  const ObjectName name = name_in(resource, object);
  if (name.name.empty()) return;
  if (resource.kind == resources::secret_provider_classes.kind) {
    say({std::string(resource.kind), name}, vault_claims_of_class(object));
  } else if (resource.kind == resources::external_secrets.kind) {
    forget_store_of(name);
    auto external = read_external_secret(object);
    if (external) {
      users_[external->store].insert(name);
      externals_.insert_or_assign(name, *std::move(external));
    } else {
      externals_.erase(name);
    }
    join(name);
  } else if (is_store(resource)) {
    auto store = read_secret_store(resource, object);
    if (!store) return;
    const StoreRef ref = store->name;
    stores_.insert_or_assign(ref, *std::move(store));
    if (const auto users = users_.find(ref); users != users_.end()) {
      for (const ObjectName& user : users->second) join(user);
    }
  }
}

void KeyVaultBook::remove(const Resource& resource, const ObjectName& name) {
  if (resource.kind == resources::secret_provider_classes.kind) {
    say({std::string(resource.kind), name}, {});
  } else if (resource.kind == resources::external_secrets.kind) {
    forget_store_of(name);
    externals_.erase(name);
    join(name);
  } else if (is_store(resource)) {
    const StoreRef ref{std::string(resource.kind), name};
    if (stores_.erase(ref) == 0) return;
    if (const auto users = users_.find(ref); users != users_.end()) {
      for (const ObjectName& user : users->second) join(user);
    }
  }
}

void KeyVaultBook::forget_store_of(const ObjectName& external) {
  const auto known = externals_.find(external);
  if (known == externals_.end()) return;
  const auto users = users_.find(known->second.store);
  if (users == users_.end()) return;
  users->second.erase(external);
  if (users->second.empty()) users_.erase(users);
}

void KeyVaultBook::join(const ObjectName& external) {
  std::vector<VaultClaim> claims;
  if (const auto found = externals_.find(external); found != externals_.end()) {
    const auto store = stores_.find(found->second.store);
    claims.push_back(claim_of(found->second, store == stores_.end() ? nullptr : &store->second));
  }
  say({std::string(resources::external_secrets.kind), external}, std::move(claims));
}

void KeyVaultBook::say(const Speaker& speaker, std::vector<VaultClaim> claims) {
  if (const auto before = said_.find(speaker); before != said_.end()) {
    if (before->second == claims) return;
    for (const VaultClaim& claim : before->second) {
      touched_.insert(claim.secret);
      const auto speakers = speakers_.find(claim.secret);
      if (speakers == speakers_.end()) continue;  // said twice
      speakers->second.erase(speaker);
      if (speakers->second.empty()) speakers_.erase(speakers);
    }
    said_.erase(before);
  }
  if (claims.empty()) return;
  for (const VaultClaim& claim : claims) {
    touched_.insert(claim.secret);
    speakers_[claim.secret].insert(speaker);
  }
  said_.emplace(speaker, std::move(claims));
}

std::map<ObjectName, std::optional<VaultClaim>> KeyVaultBook::take() {
  std::map<ObjectName, std::optional<VaultClaim>> changed;
  for (const ObjectName& secret : std::exchange(touched_, {})) {
    const VaultClaim* oldest = nullptr;
    if (const auto speakers = speakers_.find(secret); speakers != speakers_.end()) {
      for (const Speaker& speaker : speakers->second) {
        for (const VaultClaim& claim : said_.at(speaker)) {
          if (claim.secret != secret) continue;
          const auto order = [](const VaultClaim& one) {
            return std::tie(one.concern, one.seniority, one.object.kind);
          };
          if (oldest == nullptr || order(claim) < order(*oldest)) oldest = &claim;
        }
      }
    }
    changed.emplace(secret, oldest == nullptr ? std::nullopt : std::optional(*oldest));
  }
  return changed;
}

}  // namespace kube
