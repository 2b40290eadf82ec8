// KeyVault: one vault's data plane (API version 7.2), as far as reading certificates and their keys goes.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "azure/failure.h"
#include "azure/services.h"
#include "azure/vault_challenge.h"
#include "azure/vault_objects.h"
#include "config/azure.h"

namespace azure {

inline constexpr const char* key_vault_api_version = "7.2";

// Any thread. All calls block, with the client's deadline.
class KeyVault {
 public:
  using Kind = config::KeyVaultCertificate::Kind;

  KeyVault(std::shared_ptr<const Services> services, std::string_view vault, config::AzureOtherIdentity identity);

  // All certificates or secrets of the vault, without their versions; 10,000 at most.
  [[nodiscard]] Outcome<std::vector<VaultItem>> list(Kind kind, const std::stop_token& stop);
  // In no order; 1,000 at most.
  [[nodiscard]] Outcome<std::vector<VaultItem>> versions(Kind kind, const std::string& name,
                                                         const std::stop_token& stop);
  // The only way to a certificate's private key.
  [[nodiscard]] Outcome<VaultSecret> secret(const std::string& name, const std::string& version,
                                            const std::stop_token& stop);
  // Whether it was deleted and can be recovered. False also where we may not know.
  [[nodiscard]] bool is_soft_deleted(Kind kind, const std::string& name, const std::stop_token& stop);

  // One authorised call, after the challenge was looked at. `path_and_query` begins with a slash and has no
  // api-version yet. For the mirror as well.
  [[nodiscard]] Outcome<nlohmann::json> call(const std::string& method, const std::string& path_and_query,
                                             const std::string& body, const std::stop_token& stop);

  [[nodiscard]] const std::string& url() const noexcept { return url_; }
  // Of the last challenge, for people; empty: none yet.
  [[nodiscard]] std::string tenant() const;

 private:
  [[nodiscard]] Outcome<void> learn_challenge(const std::stop_token& stop);
  [[nodiscard]] base::Result<void> take_challenge(const std::string& header);
  [[nodiscard]] Outcome<nlohmann::json> call_url(const std::string& method, const std::string& url,
                                                 const std::string& body, const std::stop_token& stop);
  [[nodiscard]] Outcome<std::vector<VaultItem>> pages(std::string url, std::size_t most, const std::stop_token& stop);
  [[nodiscard]] std::string url_of(const std::string& path_and_query) const;
  [[nodiscard]] bool is_of_this_vault(std::string_view url) const;

  const std::shared_ptr<const Services> services_;
  const std::string url_;  // without a slash at the end
  const TokenRequest token_;
  mutable std::mutex mutex_;
  std::optional<VaultChallenge> challenge_;  // that was found good
};

}  // namespace azure
