// AccountRegistrar: has the accounts of ACME issuers made at their CAs, so that an issuer can say whether it works
// before anybody orders from it.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "acme/accounts.h"
#include "acme/clients.h"
#include "acme/lock.h"
#include "acme/storage.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/issuers.h"

namespace kube {

// Any thread may ask; a few of its own wait for the CAs. What failed is tried again after 5 s, then less and less
// often. Who has waited longest comes first, and no namespace has more than half of the threads: a CA that answers
// nothing costs its own issuers their time.
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
  std::multiset<std::string> working_;  // names, also of those that were forgotten meanwhile
  std::vector<std::jthread> threads_;
};

}  // namespace kube
