// What the manager does with one unit when its time has come.
#include <algorithm>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/manager_loop.h"
#include "base/json.h"
#include "base/log.h"

namespace acme {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using State = ManagedCertificate::State;

constexpr seconds busy_elsewhere{3};      // another process is at it: when to look again
constexpr hours look_at_others{1};        // how long another source is trusted without a look
constexpr hours window_after_error{1};    // RFC 9773 §4.3.3: temporary errors
constexpr hours window_without_ari{12};   // a server may learn it
constexpr minutes preflight_longest{10};  // it costs nobody anything
constexpr unsigned failures_before_fallback = 3;
constexpr unsigned failures_on_demand = 5;  // then a name that never had a certificate is forgotten
constexpr seconds between_successes{10};    // what is due as soon as it is there must not keep us busy
constexpr hours longest_window_poll{24};    // what lies further ahead was planned by a clock that was wrong
constexpr minutes clock_tolerance{1};

bool is_valid_at(const certstore::Certificate& certificate, base::SystemTime now) {
  return certificate.facts().not_before <= now && now < certificate.facts().not_after;
}

Lifetime lifetime_of(const certstore::Certificate& certificate) {
  return {certificate.facts().not_before, certificate.facts().not_after};
}

std::string ordinal(unsigned number) {
  return fmt::format("try {}", number + 1);
}

// A limit of the CA's or of ours, or failing again and again: then another CA is asked, if there is one.
bool calls_for_fallback(const NotIssued& reason, unsigned failures_before) {
  if (reason.why == NotIssued::Why::held_back) return true;
  if (reason.why != NotIssued::Why::failed) return false;
  if (reason.failure.problem && reason.failure.problem->type == ProblemType::rate_limited) return true;
  return failures_before + 1 >= failures_before_fallback;
}

}  // namespace

void Manager::Loop::work_on(const UnitPtr& unit) {
  refresh(unit);
  auto kind = Ledger::Kind::fresh;
  if (rest_until_due(unit, kind)) return;
  if (leave_to_others(unit)) return;
  if (wait_after_failure(unit)) return;
  issue(unit, kind);
}

// Another process on the same storage may have got or renewed it.
void Manager::Loop::refresh(const UnitPtr& unit) {
  unsigned revocations = 0;
  certstore::CertificatePtr used;
  {
    const std::lock_guard lock(mutex_);
    revocations = unit->revocations;
    if (unit->stored) used = unit->stored->certificate;
  }
  auto read = shelf_.read(unit->target.certificate_key());
  std::optional<StoredCertificate> stored = read ? std::move(*read) : std::nullopt;
  if (stored && revocations_.forbids(*stored->certificate)) stored.reset();
  const bool ended = used && revocations_.forbids(*used);
  certstore::CertificatePtr interim = interim_for(*unit, stored);
  bool news = false;
  {
    const std::lock_guard lock(mutex_);
    if (unit->revocations != revocations) return;  // what was read is revoked by now
    if (ended && unit->stored && unit->stored->certificate == used) {
      unit->stored.reset();
      unit->withdrawn = true;
      unit->window_poll = {};
      news = true;
    }
    // A process with another configuration may have written what is not for all names of ours.
    if (stored && (is_ours(unit->target, stored) || !is_ours(unit->target, unit->stored))) {
      if (!unit->stored || unit->stored->certificate->fingerprint() != stored->certificate->fingerprint()) {
        news = true;
        unit->anew = false;
      }
      unit->stored = stored;
    }
    news = news || unit->interim != interim;
    unit->interim = std::move(interim);
    if (stored && is_ours(unit->target, unit->stored) && news) {
      unit->failures.clear();
      unit->problem.clear();
      unit->problem_type.clear();
      notice_new_certificates();
    }
  }
  if (news) tell({unit}, {});
}

// For all names of today, from the issuer of today or one that it falls back to, and not expired.
bool Manager::Loop::is_ours(const Target& target, const std::optional<StoredCertificate>& stored) const {
  if (!stored || !covers(stored->certificate->facts(), target.identifiers)) return false;
  if (options_.clock.now() >= stored->certificate->facts().not_after) return false;
  return issues_for(*issuers_, target.wanted->issuer, stored->authority);
}

// With a good certificate: polls the CA's window if it is time, and rests until it is due.
bool Manager::Loop::rest_until_due(const UnitPtr& unit, Ledger::Kind& kind) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_ours(unit->target, unit->stored)) return false;
  }
  poll_window(unit);
  const std::lock_guard lock(mutex_);
  if (!unit->stored) return false;  // revoked while the CA was asked for its window
  const base::SystemTime now = options_.clock.now();
  const StoredCertificate& stored = *unit->stored;
  const RenewalPlan plan =
      plan_renewal(lifetime_of(*stored.certificate), stored.window, unit->target.wanted->renew_before, stored.jitter);
  const bool due = plan.at <= now;
  if (due && plan.reason == RenewalPlan::Reason::renewal_window) kind = Ledger::Kind::renewal_in_window;
  if (unit->anew || due) return false;
  unit->state = State::issued;
  unit->detail = "";
  unit->next_reason = plan.to_string();
  unit->renew_at = plan.at;
  unit->next = plan.at;
  if (unit->window_poll > now) unit->next = std::min(unit->next, unit->window_poll);
  return true;
}

// RFC 9773 §4.3: unauthenticated, and no reason to fail.
void Manager::Loop::poll_window(const UnitPtr& unit) {
  StoredCertificate stored;
  config::AcmeIssuer issuer;
  const base::SystemTime now = options_.clock.now();
  {
    const std::lock_guard lock(mutex_);
    if (!unit->stored) return;  // revoked a moment ago
    stored = *unit->stored;
    const config::AcmeIssuer* issued_by = issuer_at(*issuers_, unit->target.wanted->issuer, stored.authority);
    if (issued_by == nullptr || !issued_by->renewal_info) {
      unit->window_poll = {};
      unit->stored->window.reset();
      return;
    }
    issuer = *issued_by;
    if (stored.window) unit->window_poll = std::max(unit->window_poll, stored.window->poll_again);
    if (unit->window_poll > now && unit->window_poll <= now + longest_window_poll) return;
  }
  const auto id = renewal_id_of(*stored.certificate);
  if (!id) return;
  const auto received = clients_.of(issuer)->renewal_info(*id, unit->stop.get_token());
  if (!received) {
    const bool none = received.error().error.code == base::Code::not_found;
    const std::lock_guard lock(mutex_);
    unit->window_poll = now + (none ? window_without_ari : window_after_error);
    return;
  }
  stored.window = take_window(stored.window, received->value, received->retry_after, now, random());
  {
    const std::lock_guard lock(mutex_);
    if (!unit->stored) return;  // revoked while the CA answered
    unit->stored->window = stored.window;
    unit->window_poll = stored.window->poll_again;
  }
  if (auto written = shelf_.write_window(unit->target.certificate_key(), stored); !written) {
    base::log::warning("a renewal window cannot be stored", {{"error", written.error().what}});
  }
}

// What any source already holds and is good is used, as long as it is not itself due.
bool Manager::Loop::leave_to_others(const UnitPtr& unit) {
  if (!options_.elsewhere) return false;
  {
    const std::lock_guard lock(mutex_);
    if (unit->anew) return false;
  }
  const base::SystemTime now = options_.clock.now();
  const auto [certificate, source] = options_.elsewhere(values_of(unit->target.identifiers));
  if (!certificate || !is_valid_at(*certificate, now)) return false;
  const RenewalPlan plan = plan_renewal(lifetime_of(*certificate), std::nullopt, unit->target.wanted->renew_before, 0);
  if (plan.at <= now) return false;
  {
    const std::lock_guard lock(mutex_);
    if (unit->anew) return false;
    unit->state = State::held_elsewhere;
    unit->detail = fmt::format("held by {}", source);
    unit->renew_at = plan.at;
    unit->next = std::min<base::SystemTime>(plan.at, now + look_at_others);
    unit->next_reason = plan.to_string();
    unit->interim = nullptr;
  }
  tell({unit}, {});
  return true;
}

bool Manager::Loop::wait_after_failure(const UnitPtr& unit) {
  const std::lock_guard lock(mutex_);
  const base::SystemTime now = options_.clock.now();
  if (unit->forced) return false;
  // A failure that is still to come was written down before the clock was put back.
  if (!unit->failures.empty() && unit->failures.next_try() > now && unit->failures.last() <= now + clock_tolerance) {
    unit->state = State::failed;
    unit->next = unit->failures.next_try();
    unit->next_reason = ordinal(unit->failures.count());
    return true;
  }
  if (unit->rest.until <= now) return false;
  unit->state = unit->rest.state;
  unit->next = unit->rest.until;
  unit->next_reason = unit->rest.reason;
  return true;
}

void Manager::Loop::issue(const UnitPtr& unit, Ledger::Kind kind) {
  bool was_held = false;
  {
    const std::lock_guard lock(mutex_);
    was_held = unit->state == State::held_elsewhere;
    unit->state = State::ordering;
    unit->detail.clear();
    unit->order.reset();
    unit->forced = false;
  }
  if (was_held) tell({unit}, {});  // its names may have to show nothing from now on
  auto outcome = attempt(unit, kind);
  if (outcome) {
    succeeded(unit, std::move(*outcome));
  } else {
    did_not(unit, outcome.error());
  }
}

// The issuer, and those that it falls back to.
Attempt Manager::Loop::attempt(const UnitPtr& unit, Ledger::Kind kind) {
  IssuersPtr issuers;
  std::optional<StoredCertificate> previous;
  unsigned failures = 0;
  {
    const std::lock_guard lock(mutex_);
    issuers = issuers_;
    previous = unit->stored;
    failures = unit->failures.count();
  }
  const auto show = [&](const OrderProgress& progress) {
    const std::lock_guard lock(mutex_);
    unit->order = progress;
  };
  std::set<std::string> asked;
  std::string name = unit->target.wanted->issuer;
  for (;;) {
    asked.insert(name);
    auto outcome = issuing_.run({.target = unit->target,
                                 .issuer = name,
                                 .issuers = *issuers,
                                 .previous = previous,
                                 .kind = kind,
                                 .jitter = random(),
                                 .show = show},
                                unit->stop.get_token());
    if (outcome || !calls_for_fallback(outcome.error(), failures)) return outcome;
    const auto issuer = issuers->find(name);
    const auto* acme = issuer == issuers->end() ? nullptr : std::get_if<config::AcmeIssuer>(&issuer->second);
    if (acme == nullptr || acme->fallback.empty() || asked.contains(acme->fallback)) return outcome;
    base::log::warning("asking another CA", {{"certificate", unit->target.wanted->name},
                                             {"issuer", name},
                                             {"fallback", acme->fallback},
                                             {"error", outcome.error().failure.error.what}});
    name = acme->fallback;
  }
}

void Manager::Loop::succeeded(const UnitPtr& unit, StoredCertificate stored) {
  if (auto removed = options_.storage.remove(unit->target.failures_key()); !removed) {
    base::log::warning("remembered failures cannot be removed", {{"error", removed.error().what}});
  }
  base::log::info("certificate issued", {{"certificate", unit->target.wanted->name},
                                         {"issuer", stored.issuer},
                                         {"serial", stored.certificate->facts().serial_hex}});
  {
    const std::lock_guard lock(mutex_);
    ++counters_.orders["issued"];
    if (unit->stored) ++counters_.renewals["issued"];
    unit->stored = std::move(stored);
    unit->anew = false;
    unit->interim = nullptr;
    unit->failures.clear();
    unit->preflight_failures = 0;
    unit->problem.clear();
    unit->problem_type.clear();
    unit->order.reset();
    unit->window_poll = {};
    unit->state = State::issued;
    unit->next = options_.clock.now();  // its window, and the plan
    unit->rest = {unit->next + between_successes, State::issued, "due as soon as it was there"};
  }
  tell({unit}, {});
  {
    const std::lock_guard lock(mutex_);
    notice_new_certificates();
  }
}

void Manager::Loop::did_not(const UnitPtr& unit, const NotIssued& reason) {
  using Why = NotIssued::Why;
  const base::SystemTime now = options_.clock.now();
  const double chance = random();
  std::optional<std::string> memory;
  bool hopeless = false;
  {
    const std::lock_guard lock(mutex_);
    unit->state = State::failed;
    if (reason.why != Why::busy && reason.why != Why::stopped) {
      unit->problem = reason.failure.error.what;
      unit->problem_type = reason.failure.problem ? std::string(to_string(reason.failure.problem->type)) : "";
    }
    switch (reason.why) {
      case Why::busy:
        unit->state = State::waiting;
        unit->detail = reason.failure.error.what;
        unit->next = now + busy_elsewhere;
        unit->next_reason = "another process has the lock";
        return;
      case Why::stopped:
        unit->state = State::waiting;
        unit->next = now + busy_elsewhere;
        return;
      case Why::held_back:
        ++counters_.orders["held back"];
        unit->state = State::waiting;
        unit->next = reason.failure.not_before.value_or(now + hours(1));
        unit->next_reason = "a limit of the CA's lets go";
        unit->rest = {unit->next, unit->state, unit->next_reason};
        return;
      case Why::preflight:
        ++counters_.preflight_failures;
        unit->next = now + std::min<minutes>(minutes(1U << std::min(unit->preflight_failures, 4U)), preflight_longest);
        ++unit->preflight_failures;
        unit->next_reason = "checks ahead again";
        unit->rest = {unit->next, unit->state, unit->next_reason};
        break;
      case Why::failed:
        ++counters_.orders["failed"];
        if (unit->stored) ++counters_.renewals["failed"];
        ++counters_.problems[unit->problem_type.empty() ? "none" : unit->problem_type];
        unit->failures.record(reason.failure, now, chance);
        unit->next = unit->failures.next_try();
        unit->next_reason = ordinal(unit->failures.count());
        memory = base::json_lines(unit->failures.to_json()) + "\n";
        break;
    }
    hopeless = !unit->stored && unit->failures.count() + unit->preflight_failures >= failures_on_demand;
  }
  base::log::warning("certificate not issued",
                     {{"certificate", unit->target.wanted->name}, {"error", reason.failure.error.what}});
  if (unit->on_demand && hopeless) return forget_on_demand(unit->target.wanted->name);
  if (!memory) return;
  if (auto written = options_.storage.write(unit->target.failures_key(), *memory); !written) {
    base::log::warning("a failure cannot be remembered", {{"error", written.error().what}});
  }
}

// Without the mutex: other sources are asked, and a key is made.
certstore::CertificatePtr Manager::Loop::interim_for(const Unit& unit,
                                                     const std::optional<StoredCertificate>& stored) const {
  const config::IssuedCertificate& wanted = *unit.target.wanted;
  if (!options_.interim || unit.on_demand || wanted.key.types.front() != unit.target.key_type ||
      wanted.until_issued != config::IssuedCertificate::UntilIssued::local_ca) {
    return nullptr;
  }
  std::vector<std::string> bare;
  for (const std::string& host : values_of(unit.target.identifiers)) {
    if (stored && covers(stored->certificate->facts(), {identifier_of(host)})) continue;
    if (options_.elsewhere && options_.elsewhere({host}).first) continue;
    bare.push_back(host);
  }
  if (bare.empty()) return nullptr;
  if (unit.interim && unit.interim->facts().not_after > options_.clock.now() &&
      covers(unit.interim->facts(), identifiers_of(bare))) {
    return unit.interim;
  }
  auto made = options_.interim(bare);
  if (made) return std::move(*made);
  base::log::warning("no certificate of the local CA until one is issued",
                     {{"certificate", wanted.name}, {"error", made.error().what}});
  return nullptr;
}

}  // namespace acme
