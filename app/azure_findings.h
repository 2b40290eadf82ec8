// What `sekisho doctor` says of Azure: who we are there, and what of the configuration we may read and write.
#pragma once

#include <stop_token>
#include <vector>

#include "acme/preflight.h"
#include "app/azure_side.h"
#include "config/config.h"

namespace app {

[[nodiscard]] bool names_azure(const config::Config& config);

// Sources, mirrors and zones of DNS-01 challenges that `config` names. Nothing is written. Blocking.
[[nodiscard]] std::vector<acme::Finding> azure_findings(AzureSide& azure, const config::Config& config,
                                                        const std::stop_token& stop);

}  // namespace app
