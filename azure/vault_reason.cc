#include "azure/vault_reason.h"

#include <utility>

#include <fmt/format.h>

namespace azure {
namespace {

// For people, in front of the sentence.
std::string_view words(VaultReason reason) {
  switch (reason) {
    case VaultReason::not_found:
      return "not found";
    case VaultReason::soft_deleted:
      return "soft-deleted";
    case VaultReason::disabled:
      return "disabled";
    case VaultReason::expired:
      return "expired";
    case VaultReason::firewall:
      return "kept out by the vault's firewall";
    case VaultReason::permission:
      return "no permission";
    case VaultReason::not_exportable:
      return "not exportable";
    case VaultReason::throttled:
      return "throttled";
    case VaultReason::identity:
      return "no token";
    case VaultReason::unreachable:
      return "unreachable";
    case VaultReason::content:
      return "no certificate";
    case VaultReason::other:
      return "failed";
  }
  return "failed";
}

std::string advice(VaultReason reason, std::string_view action) {
  switch (reason) {
    case VaultReason::permission:
      return fmt::format(
          "our identity may not {} (roles Key Vault Certificate User and Key Vault Secrets User, or get "
          "and list in an access policy)",
          action);
    case VaultReason::firewall:
      return "this network is not among those that the vault lets in";
    default:
      return {};
  }
}

}  // namespace

std::string_view to_string(VaultReason reason) noexcept {
  switch (reason) {
    case VaultReason::not_found:
      return "not_found";
    case VaultReason::soft_deleted:
      return "soft_deleted";
    case VaultReason::disabled:
      return "disabled";
    case VaultReason::expired:
      return "expired";
    case VaultReason::firewall:
      return "firewall";
    case VaultReason::permission:
      return "permission";
    case VaultReason::not_exportable:
      return "not_exportable";
    case VaultReason::throttled:
      return "throttled";
    case VaultReason::identity:
      return "identity";
    case VaultReason::unreachable:
      return "unreachable";
    case VaultReason::content:
      return "content";
    case VaultReason::other:
      return "other";
  }
  return "other";
}

VaultReason reason_of(const AzureFailure& failure) {
  if (failure.status == 0) {
    if (failure.no_token) return VaultReason::identity;
    switch (failure.error.code) {
      case base::Code::refused:
        return VaultReason::identity;  // of the challenge
      case base::Code::unreachable:
      case base::Code::timeout:
      case base::Code::closed:
      case base::Code::tls:
        return VaultReason::unreachable;
      default:
        return VaultReason::other;
    }
  }
  if (failure.status == 401) return VaultReason::identity;
  if (failure.status == 404) return VaultReason::not_found;
  if (failure.status == 429) return VaultReason::throttled;
  if (failure.status == 403) {
    if (failure.is("ForbiddenByFirewall") || failure.is("ForbiddenByConnection")) return VaultReason::firewall;
    if (failure.is("SecretDisabled") || failure.is("CertificateDisabled") || failure.is("KeyDisabled")) {
      return VaultReason::disabled;
    }
    if (failure.is("SecretExpired") || failure.is("SecretNotYetValid")) return VaultReason::expired;
    return VaultReason::permission;
  }
  return failure.status >= 500 ? VaultReason::unreachable : VaultReason::other;
}

VaultProblem problem_of(AzureFailure failure, std::string_view action) {
  const VaultReason reason = reason_of(failure);
  const std::string more = advice(reason, action);
  base::Error error = std::move(failure.error);
  error.what = more.empty() ? fmt::format("{}: {}", words(reason), error.what)
                            : fmt::format("{}: {}; it says {}", words(reason), more, error.what);
  return {reason, std::move(error)};
}

VaultProblem problem_of(VaultReason reason, std::string what) {
  return {
      reason,
      {base::Code::refused, fmt::format("{}: {}", words(reason), what), base::Origin::upstream, base::Retry::later}};
}

}  // namespace azure
