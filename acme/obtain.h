// obtain: one certificate from one ACME server, from the order to the download. RFC 8555 §7.1, top to bottom.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "acme/client.h"
#include "acme/failure.h"
#include "acme/lock.h"
#include "acme/order_progress.h"
#include "acme/solver.h"
#include "acme/storage.h"
#include "base/clock.h"
#include "certstore/certificate.h"
#include "config/issuers.h"

namespace acme {

struct Wanted {
  std::string journal;  // the storage key of this order's journal
  std::vector<Identifier> identifiers;
  std::string key_pem;  // of the certificate; used unless a journal of the same order has another
  std::string profile;
  std::string replaces;  // ARI identifier; empty: none, or the server has no ARI
  std::string preferred_chain;
  config::ChallengeType challenge = config::ChallengeType::http01;
};

// What it works with; all outlive the call.
struct Workbench {
  Client& client;
  const Signer& signer;
  Solver& solver;
  Storage& storage;
  const Lock& lock;
  const base::Clock& clock;
  // Asked right before a new order is made, and told of what became of it. A failure ends the attempt.
  std::function<Outcome<void>()> before_order = {};
  std::function<void(const Identifier&, Challenge::Status)> challenge_ended = {};
  ShowProgress show = {};
  // Waits between polls; false: stopped. Tests step a clock here.
  std::function<bool(std::chrono::milliseconds, std::stop_token)> wait = {};
};

// Goes on with the order of the journal if there is one and it is still good; else makes one. The journal goes away
// when the caller has stored the certificate (forget_order), or the order is lost. Blocking: minutes; ends early on
// `stop`, leaving the order to be gone on with.
[[nodiscard]] Outcome<certstore::CertificatePtr> obtain(const Wanted& wanted, const Workbench& bench,
                                                        std::stop_token stop);
void forget_order(Storage& storage, const std::string& journal);

}  // namespace acme
