// When a certificate is due. Pure: everything it depends on is an argument.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "acme/renewal_info.h"
#include "base/clock.h"

namespace acme {

// What is kept of a certificate's renewal information, tied to its serial by where it is stored.
struct KnownWindow {
  RenewalInfo info;
  base::SystemTime chosen;      // RFC 9773 §4.2: a uniformly random time in the window, chosen once for each window
  base::SystemTime poll_again;  // by Retry-After, bounded
  friend bool operator==(const KnownWindow&, const KnownWindow&) = default;
};

// RFC 9773 §4.2: keeps the time chosen if the window has not moved, chooses a new one if it has. `random` in [0, 1).
// The next poll is after Retry-After, bounded to 1 minute … 12 hours (RFC 9773 §4.3.2 allows bounds; at least twice a
// day as CAs ask), 6 hours if there is none.
[[nodiscard]] KnownWindow take_window(const std::optional<KnownWindow>& known, const RenewalInfo& received,
                                      std::optional<std::chrono::seconds> retry_after, base::SystemTime now,
                                      double random);

struct RenewalPlan {
  enum class Reason : std::uint8_t {
    renewal_window,
    remaining_lifetime,
    half_lifetime,
    configured,
    near_end,  // what else was asked for would have been too late
    expired,   // or has no lifetime at all
  };
  base::SystemTime at;
  Reason reason = Reason::remaining_lifetime;
  [[nodiscard]] std::string to_string() const;  // "renewal window of the CA", "a third of the lifetime left", ...
};

struct Lifetime {
  base::SystemTime not_before;
  base::SystemTime not_after;
};

// `renew_before` the end if that is configured and leaves the certificate a tenth of its lifetime; else a third of the
// lifetime left, half of it for lifetimes under ten days. Jitter makes it earlier by up to 5 % of the lifetime
// (`random` in [0, 1), fixed for a certificate), so that a thousand certificates of one day are not renewed in one
// minute. The window's chosen time instead of that if there is one; beside a configured time the earlier of the two,
// for a CA that is about to revoke must be heard. Never later than a tenth of the lifetime before the end, whatever
// window or configuration say. The time may lie in the past: now, then.
[[nodiscard]] RenewalPlan plan_renewal(const Lifetime& lifetime, const std::optional<KnownWindow>& window,
                                       std::optional<std::chrono::seconds> renew_before, double random);

}  // namespace acme
