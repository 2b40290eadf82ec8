#include "acme/unit.h"

#include <algorithm>

namespace acme {
namespace {

// The one that needs attention most speaks for the certificate.
int urgency(ManagedCertificate::State state) {
  using enum ManagedCertificate::State;
  switch (state) {
    case failed:
      return 5;
    case ordering:
      return 4;
    case queued:
      return 3;
    case waiting:
      return 2;
    case issued:
      return 1;
    case held_elsewhere:
      return 0;
  }
  return 0;
}

}  // namespace

ManagedCertificate shown(const std::vector<const Unit*>& units, const std::string& issuer_kind) {
  ManagedCertificate managed;
  const Unit& worst = **std::ranges::max_element(units, {}, [](const Unit* unit) { return urgency(unit->state); });
  const config::IssuedCertificate& wanted = *worst.target.wanted;
  managed.name = wanted.name;
  managed.hosts = wanted.hosts;
  managed.issuer = wanted.issuer;
  managed.issuer_kind = issuer_kind;
  managed.on_demand = worst.on_demand;
  for (const Unit* unit : units) {
    managed.records.push_back(unit->target.record());
    if (!unit->stored) continue;
    managed.certificates.push_back(unit->stored->certificate);
    managed.issued_by = unit->stored->issuer;
  }
  managed.state = worst.state;
  managed.detail = worst.detail;
  const bool resting =
      worst.state == ManagedCertificate::State::issued || worst.state == ManagedCertificate::State::held_elsewhere;
  if (resting && worst.renew_at) {
    managed.next_action = worst.renew_at;
  } else if (worst.next != base::SystemTime{}) {
    managed.next_action = worst.next;
  }
  managed.next_action_reason = worst.next_reason;
  if (worst.stored && worst.stored->window) {
    managed.window = worst.stored->window;
    managed.explanation_url = worst.stored->window->info.explanation_url;
  }
  managed.failures = worst.failures.count() + worst.preflight_failures;
  managed.problem = worst.problem;
  managed.problem_type = worst.problem_type;
  if (!worst.failures.empty()) managed.failed_at = worst.failures.last();
  managed.order = worst.order;
  return managed;
}

}  // namespace acme
