#include "acme/renewal.h"

#include <algorithm>
#include <cmath>

namespace acme {
namespace {

using std::chrono::nanoseconds;

constexpr std::chrono::seconds shortest_poll = std::chrono::minutes(1);
constexpr std::chrono::seconds longest_poll = std::chrono::hours(12);
constexpr std::chrono::seconds usual_poll = std::chrono::hours(6);
constexpr auto short_lived = std::chrono::days(10);
constexpr unsigned last_part = 10;    // of the lifetime: never later than this before the end
constexpr unsigned first_part = 10;   // a configured time that is earlier than this after the begin is none
constexpr unsigned jitter_part = 20;  // 5 %

// `random` outside [0, 1) or not a number counts as 0.
nanoseconds part_of(nanoseconds whole, double random) {
  if (!(random >= 0.0 && random < 1.0)) return nanoseconds(0);
  return nanoseconds(static_cast<nanoseconds::rep>(std::floor(static_cast<double>(whole.count()) * random)));
}

RenewalPlan by_lifetime(const Lifetime& lifetime, nanoseconds length) {
  const nanoseconds left = length < short_lived ? length / 2 : length / 3;
  return {lifetime.not_after - left,
          length < short_lived ? RenewalPlan::Reason::half_lifetime : RenewalPlan::Reason::remaining_lifetime};
}

}  // namespace

KnownWindow take_window(const std::optional<KnownWindow>& known, const RenewalInfo& received,
                        std::optional<std::chrono::seconds> retry_after, base::SystemTime now, double random) {
  const auto poll = std::clamp(retry_after.value_or(usual_poll), shortest_poll, longest_poll);
  KnownWindow window{received, {}, now + poll};
  const bool moved = !known || known->info.start != received.start || known->info.end != received.end;
  window.chosen = moved ? received.start + part_of(received.end - received.start, random) : known->chosen;
  return window;
}

RenewalPlan plan_renewal(const Lifetime& lifetime, const std::optional<KnownWindow>& window,
                         std::optional<std::chrono::seconds> renew_before, double random) {
  const nanoseconds length = lifetime.not_after - lifetime.not_before;
  if (length <= nanoseconds(0)) return {lifetime.not_after, RenewalPlan::Reason::expired};
  RenewalPlan plan = by_lifetime(lifetime, length);
  // A certificate that would be due as soon as it is there, for the CA gives shorter ones than was thought, would be
  // ordered again and again.
  const bool configured = renew_before && *renew_before <= length - length / first_part;
  if (configured) plan = {lifetime.not_after - *renew_before, RenewalPlan::Reason::configured};
  plan.at -= part_of(length / jitter_part, random);
  if (window && (!configured || window->chosen < plan.at)) {
    plan = {window->chosen, RenewalPlan::Reason::renewal_window};  // random already
  }
  const base::SystemTime latest = lifetime.not_after - length / last_part;
  if (plan.at > latest) plan = {latest, RenewalPlan::Reason::near_end};
  return plan;
}

std::string RenewalPlan::to_string() const {
  switch (reason) {
    case Reason::renewal_window:
      return "renewal window of the CA";
    case Reason::remaining_lifetime:
      return "a third of the lifetime left";
    case Reason::half_lifetime:
      return "half of the lifetime left";
    case Reason::configured:
      return "renew_before of the configuration";
    case Reason::near_end:
      return "a tenth of the lifetime left";
    case Reason::expired:
      return "it has expired";
  }
  return "";
}

}  // namespace acme
