// Ledger: what was asked of a CA lately, so that no loop of ours ever reaches its limits. A value, kept in storage for
// each account; an entry is written before the CA is asked, so that not even a loop of crashes escapes it.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "acme/identifier.h"
#include "base/clock.h"

namespace acme {

// Numbers in a sliding time. The defaults lie below those that Let's Encrypt publishes.
struct Limit {
  unsigned at_most;
  std::chrono::seconds within;
};
struct Limits {
  Limit orders{250, std::chrono::hours(3)};               // of an account (300)
  Limit same_names{4, std::chrono::hours(7 * 24)};        // certificates of exactly the same names (5)
  Limit failed_authorizations{4, std::chrono::hours(1)};  // of one identifier (5)
  // Of exactly the same names in the CA's own window: no CA limits them, but one whose windows all lie in the past must
  // not keep us renewing for ever.
  Limit renewals_in_window{6, std::chrono::hours(24)};
};

class Ledger {
 public:
  explicit Ledger(Limits limits = {});

  // When an order for these names may be begun: now, or the time at which the limit that stands in the way lets go, and
  // which one it is. A renewal in the CA's own window is counted, and only Limits::renewals_in_window holds it back
  // (RFC 9773 §5).
  struct Verdict {
    std::optional<base::SystemTime> not_before;  // nothing: now
    std::string limit;                           // "orders of the account: 250 in 3 h"
  };
  enum class Kind { fresh, renewal_in_window };
  [[nodiscard]] Verdict may_order(const std::vector<Identifier>& names, Kind kind, base::SystemTime now) const;

  void ordered(base::SystemTime now);
  void issued(const std::vector<Identifier>& names, base::SystemTime now);
  void authorization_failed(const Identifier& identifier, base::SystemTime now);

  // Without what is too old to matter; the rest is bounded by the limits themselves.
  [[nodiscard]] nlohmann::json to_json(base::SystemTime now) const;
  [[nodiscard]] static Ledger from(const nlohmann::json& json, Limits limits = {});

 private:
  using Times = std::deque<base::SystemTime>;  // in order, at most as many as the limit counts
  [[nodiscard]] std::size_t most_issued() const;
  [[nodiscard]] std::chrono::seconds longest_issued() const;

  Limits limits_;
  Times orders_;
  std::map<std::string, Times> issued_;  // by the set of names
  std::map<std::string, Times> failed_;  // by identifier
};

}  // namespace acme
