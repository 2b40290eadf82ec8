// LedgerBook: the ledgers of all accounts in storage. Each change is one read and one write under a lock.
#pragma once

#include <functional>
#include <stop_token>
#include <string>
#include <vector>

#include "acme/failure.h"
#include "acme/ledger.h"
#include "acme/lock.h"
#include "acme/storage.h"
#include "base/clock.h"

namespace acme {

// Any thread, any number of processes. Blocking.
class LedgerBook {
 public:
  LedgerBook(Storage& storage, Locks& locks, const base::Clock& clock, std::string account, std::stop_token stop);

  // Writes the order down if it may be made now; else `overloaded` with not_before, and nothing is written.
  Outcome<void> order(const std::vector<Identifier>& names, Ledger::Kind kind);
  void issued(const std::vector<Identifier>& names);
  void authorization_failed(const Identifier& identifier);

 private:
  Outcome<void> change(const std::function<Outcome<void>(Ledger&)>& change);

  Storage& storage_;
  Locks& locks_;
  const base::Clock& clock_;
  std::string account_;
  std::stop_token stop_;
};

}  // namespace acme
