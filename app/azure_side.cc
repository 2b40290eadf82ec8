#include "app/azure_side.h"

#include <algorithm>
#include <map>
#include <utility>

#include <fmt/format.h>

#include "azure/dns_zones.h"
#include "base/ascii.h"
#include "certstore/secret_bytes.h"

namespace app {
namespace {

using Verdict = acme::Finding::Verdict;

// A vault that does not answer holds the start up once, not once for each that is configured.
constexpr std::chrono::milliseconds patience_of_first{10'000};
constexpr std::chrono::milliseconds patience_of_others{500};

acme::Finding identity_finding(const azure::Services& services, const std::stop_token& stop) {
  auto token =
      services.tokens->token({.scope = services.endpoints.key_vault_scope, .tenant = {}, .client_id = {}}, stop);
  if (token) certstore::wipe(token->secret.data(), token->secret.size());
  return {.check = "identity",
          .name = services.identity,
          .verdict = token ? Verdict::good : Verdict::bad,
          .text = token ? "Entra gives it tokens for Key Vault" : token.error().what};
}

}  // namespace

// Owned by whoever runs it; what it follows stays with AzureSide as long.
class AzureSide::Followed final : public certstore::Source {
 public:
  Followed(AzureSide& side, std::shared_ptr<azure::KeyVaultSource> source) : side_(side), source_(std::move(source)) {}
  ~Followed() override {
    source_->stop();  // `doctor` may hold it for a while yet
    const std::lock_guard lock(side_.mutex_);
    std::erase(side_.sources_, source_);
  }
  Followed(const Followed&) = delete;
  Followed& operator=(const Followed&) = delete;

  [[nodiscard]] std::string name() const override { return source_->name(); }
  void start(certstore::Report report) override { source_->start(std::move(report)); }

 private:
  AzureSide& side_;
  std::shared_ptr<azure::KeyVaultSource> source_;
};

AzureSide::~AzureSide() = default;

std::shared_ptr<const azure::Services> AzureSide::services() {
  const std::lock_guard lock(mutex_);
  if (services_ == nullptr) services_ = azure::make_services(config_, clock_);
  return services_;
}

std::unique_ptr<certstore::Source> AzureSide::make_source(const config::CertificateSource& source) {
  const auto* vault = std::get_if<config::KeyVaultCertificate>(&source.from);
  if (vault == nullptr) return nullptr;
  auto shared = services();
  const std::lock_guard lock(mutex_);
  auto made = std::make_shared<azure::KeyVaultSource>(
      std::move(shared), *vault,
      azure::KeyVaultSource::Options{.is_default = source.is_default,
                                     .patience = sources_.empty() ? patience_of_first : patience_of_others});
  sources_.push_back(made);
  return std::make_unique<Followed>(*this, std::move(made));
}

std::unique_ptr<certstore::Source> AzureSide::follow(const config::KeyVaultCertificate& certificate) {
  auto made = std::make_shared<azure::KeyVaultSource>(
      services(), certificate,
      azure::KeyVaultSource::Options{.is_default = false, .patience = std::chrono::milliseconds(0)});
  const std::lock_guard lock(mutex_);
  sources_.push_back(made);
  return std::make_unique<Followed>(*this, std::move(made));
}

base::Result<std::shared_ptr<acme::DnsZone>> AzureSide::dns_zone(const config::AzureDns& zone) {
  return azure::dns_zone_of(zone, config_, services(), clock_);
}

base::Result<std::string> AzureSide::examine(const config::AzureDns& zone, const std::stop_token& stop) {
  return azure::examine_zone_of(zone, config_, services(), clock_, stop);
}

std::vector<VaultView> AzureSide::vaults() const {
  const std::lock_guard lock(mutex_);
  std::vector<VaultView> views;
  std::map<std::string, unsigned> named;
  for (const auto& source : sources_) {
    // Several may follow the same with different identities; each is a series of its own.
    std::string name = source->name();
    const unsigned number = ++named[name];
    if (number > 1) name += fmt::format(" ({})", number);
    views.push_back({std::move(name), source->status()});
  }
  return views;
}

std::vector<acme::Finding> AzureSide::findings(const std::stop_token& stop) {
  std::vector<std::shared_ptr<azure::KeyVaultSource>> sources;
  {
    const std::lock_guard lock(mutex_);
    sources = sources_;
  }
  std::vector<acme::Finding> findings;
  if (sources.empty()) return findings;
  findings.push_back(identity_finding(*services(), stop));
  for (const auto& source : sources) {
    const auto problem = source->examine(stop);
    findings.push_back({.check = "key vault",
                        .name = source->name(),
                        .verdict = problem ? Verdict::bad : Verdict::good,
                        .text = problem ? problem->error.what : "may be listed and read"});
  }
  return findings;
}

std::size_t AzureSide::look(std::string_view vault_url, std::string_view object) {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const auto& source : sources_) {
    if (base::lower_case(source->vault()) != base::lower_case(vault_url) || !source->follows(object)) continue;
    source->look();
    ++count;
  }
  return count;
}

}  // namespace app
