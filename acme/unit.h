// Unit: one target of the manager, and where it stands. Guarded by the manager's mutex, but for `stop`.
#pragma once

#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "acme/failure_memory.h"
#include "acme/managed_certificate.h"
#include "acme/order_progress.h"
#include "acme/stored_certificate.h"
#include "acme/target.h"
#include "base/clock.h"

namespace acme {

struct Unit {
  Target target;
  bool on_demand = false;
  base::SystemTime admitted{};              // on demand: when
  std::optional<StoredCertificate> stored;  // in use, good or not
  certstore::CertificatePtr interim;        // shown until there is one
  FailureMemory failures;
  unsigned preflight_failures = 0;  // since the last success; these ask nothing of a CA

  ManagedCertificate::State state = ManagedCertificate::State::waiting;
  std::string detail;
  base::SystemTime next{};  // when it is looked at again
  std::string next_reason;
  std::optional<base::SystemTime> renew_at;  // the plan, with a good certificate
  base::SystemTime window_poll{};            // when the CA is asked for its window again
  std::string problem;                       // of the last attempt, failure or not
  std::string problem_type;
  std::optional<OrderProgress> order;

  // No attempt is begun before this, however often somebody looks: what stood in its way costs too much to be asked
  // again at each look.
  struct Rest {
    base::SystemTime until{};
    ManagedCertificate::State state = ManagedCertificate::State::waiting;
    std::string reason;
  };
  Rest rest;

  bool withdrawn = false;                 // what it had is revoked: nobody shows it for another moment
  bool anew = false;                      // another is wanted in the place of `stored`, until there is one
  bool forced = false;                    // asked for by a person: the next try waits for nothing
  bool busy = false;                      // a thread is at it
  std::optional<base::SystemTime> again;  // a look that was asked for while a thread was at it
  unsigned revocations = 0;               // what was read before the last of them is not used
  std::stop_source stop;
};

// What people see of the units of one certificate.
[[nodiscard]] ManagedCertificate shown(const std::vector<const Unit*>& units, const std::string& issuer_kind);

}  // namespace acme
