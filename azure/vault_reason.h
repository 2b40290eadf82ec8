// Why a vault does not give a certificate: one of a few reasons that people tell apart, as a sentence.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "azure/failure.h"
#include "base/error.h"

namespace azure {

enum class VaultReason : std::uint8_t {
  not_found,
  soft_deleted,
  disabled,
  expired,
  firewall,
  permission,
  not_exportable,
  throttled,
  identity,     // we get no token, or none that the vault takes
  unreachable,  // the vault, or Entra
  content,      // it is no certificate
  other,
};
[[nodiscard]] std::string_view to_string(VaultReason reason) noexcept;  // "soft_deleted", for metrics

// Of a failed call.
[[nodiscard]] VaultReason reason_of(const AzureFailure& failure);

struct VaultProblem {
  VaultReason reason = VaultReason::other;
  base::Error error;  // "soft-deleted: …"; begins with the reason in words
};

// `action` is what was not allowed, as roles call it: "list the versions of app-cert".
[[nodiscard]] VaultProblem problem_of(AzureFailure failure, std::string_view action);
[[nodiscard]] VaultProblem problem_of(VaultReason reason, std::string what);

}  // namespace azure
