#include "acme/directory.h"

#include <algorithm>
#include <cstddef>

#include <nlohmann/json.hpp>

#include "acme/json_fields.h"

namespace acme {
namespace {

constexpr std::size_t most_profiles = 100;
constexpr std::size_t longest_profile = 128;
constexpr std::size_t most_caa_identities = 20;
constexpr std::size_t longest_name = 253;

// draft-ietf-acme-profiles: the name is compared with the configuration, so one that cannot be shown is left out.
void read_profiles(const nlohmann::json& profiles, Directory& directory) {
  if (!profiles.is_object()) return;
  for (const auto& [name, description] : profiles.items()) {
    if (directory.profiles.size() == most_profiles) return;
    if (name.empty() || shown(name, longest_profile) != name || !description.is_string()) continue;
    directory.profiles.emplace(name, shown(description.get_ref<const std::string&>(), 1000));
  }
}

// RFC 8555 §9.7.6
void read_meta(const nlohmann::json& meta, Directory& directory) {
  directory.terms_of_service = shown_member(meta, "termsOfService", 2000);
  directory.website = shown_member(meta, "website", 2000);
  directory.external_account_required = flag_member(meta, "externalAccountRequired");
  if (const auto* const identities = array_member(meta, "caaIdentities")) {
    for (const auto& identity : *identities) {
      if (directory.caa_identities.size() == most_caa_identities) break;
      if (identity.is_string()) {
        directory.caa_identities.push_back(shown(identity.get_ref<const std::string&>(), longest_name));
      }
    }
  }
  if (const auto* const profiles = member(meta, "profiles")) read_profiles(*profiles, directory);
}

}  // namespace

base::Result<Directory> directory_from(const nlohmann::json& json) {
  Directory directory;
  directory.new_nonce = url_member(json, "newNonce");
  directory.new_account = url_member(json, "newAccount");
  directory.new_order = url_member(json, "newOrder");
  directory.revoke_cert = url_member(json, "revokeCert");
  directory.key_change = url_member(json, "keyChange");
  directory.renewal_info = url_member(json, "renewalInfo");
  if (directory.new_nonce.empty()) return lacks("directory", "newNonce");
  if (directory.new_account.empty()) return lacks("directory", "newAccount");
  if (directory.new_order.empty()) return lacks("directory", "newOrder");
  if (const auto* const meta = member(json, "meta")) read_meta(*meta, directory);
  return directory;
}

}  // namespace acme
