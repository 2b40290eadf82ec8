// AzureSide: what of a gateway speaks to Azure: the sources of certificates in vaults, and who we are there.
#pragma once

#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <string_view>
#include <vector>

#include "acme/dns_zone.h"
#include "acme/preflight.h"
#include "app/vault_view.h"
#include "azure/key_vault_source.h"
#include "azure/services.h"
#include "base/clock.h"
#include "certstore/source.h"
#include "config/config.h"

namespace app {

// Outlives the sources that it makes. Any thread.
class AzureSide {
 public:
  AzureSide(config::Azure config, const base::Clock& clock) : config_(std::move(config)), clock_(clock) {}
  ~AzureSide();
  AzureSide(const AzureSide&) = delete;
  AzureSide& operator=(const AzureSide&) = delete;

  // Null: what the configuration names is not in Azure.
  [[nodiscard]] std::unique_ptr<certstore::Source> make_source(const config::CertificateSource& source);
  // One that stands in no configuration. Its start() does not wait.
  [[nodiscard]] std::unique_ptr<certstore::Source> follow(const config::KeyVaultCertificate& certificate);
  [[nodiscard]] const config::Azure& config() const noexcept { return config_; }
  // Made at the first call, with the environment of that moment. Blocking: reads a file of CAs.
  [[nodiscard]] std::shared_ptr<const azure::Services> services();

  [[nodiscard]] base::Result<std::shared_ptr<acme::DnsZone>> dns_zone(const config::AzureDns& zone);
  // What can be known of our rights there without writing. Blocking.
  [[nodiscard]] base::Result<std::string> examine(const config::AzureDns& zone, const std::stop_token& stop);

  [[nodiscard]] std::vector<VaultView> vaults() const;
  // For `doctor`: whether we get a token, and may read what is followed. Blocking.
  [[nodiscard]] std::vector<acme::Finding> findings(const std::stop_token& stop);
  // A vault says that a certificate or secret of it has changed: those who follow it look. How many do.
  std::size_t look(std::string_view vault_url, std::string_view object);

 private:
  class Followed;
  const config::Azure config_;
  const base::Clock& clock_;
  mutable std::mutex mutex_;  // guards the next two
  std::shared_ptr<const azure::Services> services_;
  std::vector<std::shared_ptr<azure::KeyVaultSource>> sources_;
};

}  // namespace app
