#include "kube/key_vault_kinds.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "acme/json_fields.h"
#include "kube/api_document.h"
#include "kube/vault_claim.h"

namespace kube {
namespace {

constexpr std::string_view older_version = "v1beta1";

// The versions of a group, as GET /apis/GROUP tells them.
std::vector<std::string> versions_in(const nlohmann::json& group) {
  std::vector<std::string> versions;
  const nlohmann::json* listed = acme::member(group, "versions");
  if (listed == nullptr || !listed->is_array()) return versions;
  for (const nlohmann::json& one : *listed) {
    if (const std::string* version = acme::text_member(one, "version")) versions.push_back(*version);
  }
  return versions;
}

bool has_only_the_older(Access& access, const std::stop_token& stop) {
  const auto group = read_document(access, "/apis/" + std::string(resources::external_secrets.group), stop);
  if (!group) return false;
  const std::vector<std::string> versions = versions_in(group->body);
  const auto has = [&](std::string_view version) { return std::ranges::find(versions, version) != versions.end(); };
  return has(older_version) && !has(resources::external_secrets.version);
}

}  // namespace

std::vector<Resource> key_vault_kinds(Access& access, const std::stop_token& stop) {
  std::vector<Resource> kinds{resources::external_secrets, resources::secret_stores, resources::cluster_secret_stores};
  if (has_only_the_older(access, stop)) {
    for (Resource& kind : kinds) kind.version = older_version;
  }
  kinds.push_back(resources::secret_provider_classes);
  return kinds;
}

void keep_spec(nlohmann::json& object) {
  if (!object.is_object()) return;
  object.erase("status");
  const auto metadata = object.find("metadata");
  if (metadata == object.end() || !metadata->is_object()) return;
  for (const char* unread : {"managedFields", "annotations", "labels", "ownerReferences"}) metadata->erase(unread);
}

}  // namespace kube
