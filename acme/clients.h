// Clients: one Client for each CA, shared by all that ask it.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "acme/client.h"
#include "base/clock.h"
#include "config/issuers.h"

namespace acme {

// Any thread.
class Clients {
 public:
  Clients(const base::Clock& clock, Client::Observe observe);
  [[nodiscard]] std::shared_ptr<Client> of(const config::AcmeIssuer& issuer);

 private:
  const base::Clock& clock_;
  Client::Observe observe_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<Client>> clients_;  // by directory and trust
};

}  // namespace acme
