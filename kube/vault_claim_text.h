// The words in which others' objects name vaults, identities and clouds, checked. What is wrong becomes a fault at its
// place and reads as nothing. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/azure.h"
#include "kube/object_fields.h"

namespace kube {

[[nodiscard]] std::string vault_name_in(const ObjectFields& fields, std::string_view key);  // required
// An id of a tenant or client; empty if absent.
[[nodiscard]] std::string azure_id_in(const ObjectFields& fields, std::string_view key);
// "AzurePublicCloud", "PublicCloud", …; none if absent.
[[nodiscard]] std::optional<config::AzureCloud> cloud_in(const ObjectFields& fields, std::string_view key);
// `type`: "secret", "cert". A certificate's versions are its secret's too.
[[nodiscard]] config::KeyVaultCertificate::Kind kind_of(std::string_view type);
// Empty: the newest, as "latest" is.
[[nodiscard]] std::string version_of(const ObjectFields& fields, std::string_view key, const std::string& written);

}  // namespace kube
