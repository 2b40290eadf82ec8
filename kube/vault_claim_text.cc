#include "kube/vault_claim_text.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/ascii.h"
#include "config/faults.h"
#include "config/sections.h"

namespace kube {
namespace {

using config::AzureCloud;
using Kind = config::KeyVaultCertificate::Kind;

// As the CSI provider, External Secrets and the SDKs write them; case does not count.
constexpr std::array<std::pair<std::string_view, AzureCloud>, 6> clouds{{
    {"azurepubliccloud", AzureCloud::worldwide},
    {"publiccloud", AzureCloud::worldwide},
    {"azureusgovernmentcloud", AzureCloud::us_government},
    {"usgovernmentcloud", AzureCloud::us_government},
    {"azurechinacloud", AzureCloud::china},
    {"chinacloud", AzureCloud::china},
}};

}  // namespace

std::string vault_name_in(const ObjectFields& fields, std::string_view key) {
  std::string name = fields.required_text(key);
  if (name.empty()) return name;
  const auto read = config::parse_vault(name);
  if (read && !read->contains("://")) return name;
  fields.refuse(key, config::quote(name), "the name of a vault: at most 24 letters, digits and hyphens");
  return {};
}

std::string azure_id_in(const ObjectFields& fields, std::string_view key) {
  const std::string text = fields.text(key);
  if (text.empty()) return {};
  auto read = config::parse_azure_segment(text);
  if (read) return *std::move(read);
  fields.refuse(key, config::quote(text), read.error());
  return {};
}

std::optional<AzureCloud> cloud_in(const ObjectFields& fields, std::string_view key) {
  const std::string text = fields.text(key);
  if (text.empty()) return std::nullopt;
  const auto* const found = std::ranges::find(clouds, base::lower_case(text), &decltype(clouds)::value_type::first);
  if (found != clouds.end()) return found->second;
  fields.refuse(key, config::quote(text), "AzurePublicCloud, AzureUSGovernmentCloud or AzureChinaCloud");
  return std::nullopt;
}

Kind kind_of(std::string_view type) {
  return type == "cert" ? Kind::certificate : Kind::secret;
}

std::string version_of(const ObjectFields& fields, std::string_view key, const std::string& written) {
  if (written.empty() || written == "latest") return {};
  auto read = config::parse_vault_name(written);
  if (read) return *std::move(read);
  fields.refuse(key, config::quote(written), "a version of an object of a vault");
  return {};
}

}  // namespace kube
