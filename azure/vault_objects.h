// What Key Vault answers, read: lists of certificates, secrets and their versions, and one secret. Pure.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "base/error.h"
#include "certstore/certificate.h"

namespace azure {

struct VaultAttributes {
  bool enabled = true;
  std::optional<base::SystemTime> created;
  std::optional<base::SystemTime> updated;
  std::optional<base::SystemTime> not_before;
  std::optional<base::SystemTime> expires;
  friend bool operator==(const VaultAttributes&, const VaultAttributes&) = default;
};

// An element of a list: a certificate or secret as a whole (no version), or one version of it.
struct VaultItem {
  std::string name;
  std::string version;
  VaultAttributes attributes;
  std::map<std::string, std::string> tags;
  std::string thumbprint;  // x5t of certificates
  friend bool operator==(const VaultItem&, const VaultItem&) = default;
};

struct VaultPage {
  std::vector<VaultItem> items;  // in no order
  std::string next;              // URL, as the server wrote it; empty: the last page
};

struct VaultSecret {
  std::string value;         // secret: wipe it
  std::string content_type;  // any, or empty
};

// All of these: `json` is controlled by the vault, of bounded size. Errors: `protocol`; also for a list of which one
// element has no id that could be one.
[[nodiscard]] base::Result<VaultPage> vault_page_from(const nlohmann::json& json);
[[nodiscard]] base::Result<VaultSecret> vault_secret_from(const nlohmann::json& json);

// The versions that may be used, the newest first: enabled ones by `created` (then by `updated`, then by name, so that
// the order is always the same).
[[nodiscard]] std::vector<VaultItem> enabled_newest_first(std::vector<VaultItem> versions);

// A PFX in base64 without a password, or PEM; told by the content, because a plain secret may have any content type.
// Errors: `not_found` where there is a certificate without a key (not exportable), else `invalid`. They never hold any
// of the value.
[[nodiscard]] base::Result<certstore::CertificatePtr> certificate_in(const VaultSecret& secret);

}  // namespace azure
