// AccountRegistrar: has the accounts of ACME issuers made at their CAs, so that an issuer can say whether it works
// before anybody orders from it.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "acme/accounts.h"
#include "acme/clients.h"
#include "acme/lock.h"
#include "acme/storage.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/issuers.h"

namespace kube {

// Any thread may ask; one of its own waits for the CAs. What failed is tried again after 5 s, then less and less often.
class AccountRegistrar {
 public:
  // All outlive it. `ring`: an answer has come; quick.
  AccountRegistrar(acme::Storage& storage, acme::Locks& locks, const base::Clock& clock, std::function<void()> ring);
  ~AccountRegistrar();
  AccountRegistrar(const AccountRegistrar&) = delete;
  AccountRegistrar& operator=(const AccountRegistrar&) = delete;

  // The URL of the account, or why there is none; nothing: the CA has not answered yet. What `name` was asked for
  // before, with another issuer, is forgotten.
  using Answer = base::Result<std::string>;
  [[nodiscard]] std::optional<Answer> ask(const std::string& name, const config::AcmeIssuer& issuer);
  void forget(const std::string& name);

 private:
  struct Asked {
    config::AcmeIssuer issuer;
    std::optional<Answer> answer;
    unsigned failures = 0;
    base::SteadyTime next{};
  };
  void run(const std::stop_token& stop);
  [[nodiscard]] Answer open(const config::AcmeIssuer& issuer, const std::stop_token& stop);
  [[nodiscard]] std::optional<std::string> due() const;

  const base::Clock& clock_;
  acme::Accounts accounts_;
  acme::Clients clients_;
  std::function<void()> ring_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::map<std::string, Asked> asked_;
  std::jthread thread_;
};

}  // namespace kube
