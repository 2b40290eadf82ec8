// KeyVaultMirror: a vault that is to hold what we serve, as certificates that Application Gateway, App Service and the
// drivers of Kubernetes can follow.
#pragma once

#include <memory>
#include <string>

#include "azure/key_vault.h"
#include "azure/mirror.h"
#include "base/clock.h"

namespace azure {

class KeyVaultMirror final : public Mirror {
 public:
  KeyVaultMirror(std::shared_ptr<const Services> services, std::string_view vault, config::AzureOtherIdentity identity);

  [[nodiscard]] const std::string& where() const override { return where_; }
  [[nodiscard]] MirrorOutcome reconcile(const std::vector<MirrorItem>& wanted, const std::stop_token& stop) override;

 private:
  using Finding = MirrorOutcome::Finding;
  [[nodiscard]] Outcome<Finding> keep(const MirrorItem& item, const std::stop_token& stop);
  [[nodiscard]] Outcome<Finding> import(const MirrorItem& item, const std::stop_token& stop);

  KeyVault vault_;
  const std::string where_;
};

}  // namespace azure
