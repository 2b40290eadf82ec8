// Identity: one way of showing Entra who we are. One exchange a call; azure/token_cache keeps what it brings.
#pragma once

#include <memory>
#include <stop_token>
#include <string>

#include "azure/client.h"
#include "azure/cloud.h"
#include "azure/grant.h"
#include "azure/tokens.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/azure.h"

namespace azure {

class Identity {
 public:
  virtual ~Identity() = default;
  // Asks, and asks again where that can help, for up to some 80 s (the metadata service while it is updated). Reads its
  // files anew. Errors say what to fix and never hold a token, an assertion or a secret. Blocking. Any thread.
  [[nodiscard]] virtual base::Result<Grant> ask(const TokenRequest& request, const std::stop_token& stop) = 0;
  // For people: "workload identity CLIENT of the tenant TENANT".
  [[nodiscard]] virtual std::string description() const = 0;
};

// What the webhook of workload identity puts into the environment; empty where it does not.
struct IdentityEnvironment {
  std::string tenant_id;
  std::string client_id;
  std::string token_file;
  std::string token_proxy;  // URL that takes the exchange in Entra's place, inside the cluster
  std::string token_proxy_sni;
  std::string token_proxy_ca_file;
  std::string token_proxy_ca_data;  // PEM
  [[nodiscard]] static IdentityEnvironment of_process();
};

struct IdentityOptions {
  const base::Clock& clock;
  Endpoints endpoints;
  IdentityEnvironment environment = IdentityEnvironment::of_process();
  Client::Wait wait = {};  // between tries; empty: base::wait_for
};

// Of the kind that the configuration says, or that the environment suggests. Errors: something that this kind cannot do
// without is given nowhere.
[[nodiscard]] base::Result<std::shared_ptr<Identity>> make_identity(const config::AzureIdentity& config,
                                                                    IdentityOptions options);

// An application with a secret, as cert-manager's azureDNS has them. The file is read anew at each exchange.
[[nodiscard]] std::shared_ptr<Identity> make_client_secret_identity(const std::string& tenant_id,
                                                                    const std::string& client_id,
                                                                    const std::string& secret_file,
                                                                    IdentityOptions options);

// A managed identity by its resource id.
[[nodiscard]] std::shared_ptr<Identity> make_managed_identity_by_resource(const std::string& resource_id,
                                                                          IdentityOptions options);

// Keeps what `identity` brings.
[[nodiscard]] std::shared_ptr<Tokens> make_tokens(std::shared_ptr<Identity> identity, const base::Clock& clock);

}  // namespace azure
