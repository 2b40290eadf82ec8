// Services: what everything that speaks to Azure shares: where it is, who we are, and the client for its APIs.
#pragma once

#include <memory>
#include <string>

#include "azure/client.h"
#include "azure/cloud.h"
#include "azure/identity.h"
#include "azure/tokens.h"
#include "base/clock.h"
#include "config/azure.h"

namespace azure {

// Immutable; shared by all sources and mirrors. What is wrong with the configuration (no client id, no file of CAs) is
// the error of every token then: nothing of Azure keeps the process from serving.
struct Services {
  Endpoints endpoints;
  std::string identity;  // for people: "workload identity CLIENT of the tenant TENANT"
  std::shared_ptr<Tokens> tokens;
  std::shared_ptr<Client> client;
};

[[nodiscard]] std::shared_ptr<const Services> make_services(const config::Azure& azure, const base::Clock& clock);
// For tests: with this environment, and this wait between tries.
[[nodiscard]] std::shared_ptr<const Services> make_services(const config::Azure& azure, const base::Clock& clock,
                                                            IdentityEnvironment environment, Client::Wait wait);

}  // namespace azure
