// Names that clients brought up: whether they get a certificate. On a thread of its own, for an ask URL may take its
// time.
#include <algorithm>
#include <utility>

#include "acme/manager_loop.h"
#include "base/keep_running.h"
#include "base/log.h"

namespace acme {
namespace {

constexpr std::size_t asked_at_most = 1000;  // waiting; the rest is dropped and counted
constexpr std::chrono::minutes no_is_remembered{10};
constexpr std::chrono::minutes silence_is_remembered{1};  // the ask URL did not answer
constexpr std::chrono::hours failure_is_remembered{24};
constexpr std::chrono::hours time_to_get_one{1};

}  // namespace

void Manager::Loop::asked_for(const std::string& server_name) {
  {
    const std::lock_guard lock(mutex_);
    ++counters_.on_demand_asked;
    if (on_demand_.empty() || asked_.size() >= asked_at_most || refused_.has(server_name, options_.clock.now())) {
      ++counters_.on_demand_refused;
      return;
    }
    if (!asked_waiting_.insert(server_name).second) return;
    asked_.push_back(server_name);
  }
  wake();
}

void Manager::Loop::admit_asked(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::string name;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [&] { return !asked_.empty(); })) return;
      name = asked_.front();
      asked_.pop_front();
    }
    static_cast<void>(base::attempt("certificate on demand", [&] { admit(name, stop); }));
    const std::lock_guard lock(mutex_);
    asked_waiting_.erase(name);
  }
}

void Manager::Loop::admit(const std::string& name, const std::stop_token& stop) {
  std::vector<config::IssuedCertificate> templates;
  {
    const std::lock_guard lock(mutex_);
    templates = on_demand_;
    for (const auto& [record, unit] : units_) {
      if (std::ranges::find(unit->target.wanted->hosts, name) != unit->target.wanted->hosts.end()) return;
    }
  }
  base::Error last{base::Code::refused, "no list has it"};
  std::optional<std::chrono::minutes> remembered;
  for (const config::IssuedCertificate& from : templates) {
    const auto admitted = admit(name, from, stop);
    if (admitted) return;
    last = admitted.error();
    // No refusal of a limit of ours is remembered, nor one that costs nothing to find out again.
    if (!gates_[from.name]->asks_for(name) || last.code == base::Code::overloaded) continue;
    remembered = std::max(remembered.value_or(std::chrono::minutes(0)),
                          last.code == base::Code::refused ? no_is_remembered : silence_is_remembered);
  }
  base::log::debug("no certificate on demand", {{"name", name}, {"error", last.what}});
  const std::lock_guard lock(mutex_);
  ++counters_.on_demand_refused;
  if (remembered && !stop.stop_requested()) refused_.add(name, options_.clock.now() + *remembered);
}

base::Result<void> Manager::Loop::admit(const std::string& name, const config::IssuedCertificate& from,
                                        const std::stop_token& stop) {
  auto& gate = gates_[from.name];
  if (!gate || gate->config() != *from.on_demand)
    gate = std::make_unique<OnDemandGate>(*from.on_demand, options_.clock);
  std::size_t existing = 0;
  std::string replaced;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [record, unit] : units_) {
      existing += unit->on_demand && unit->target.key_type == unit->target.wanted->key.types.front() ? 1 : 0;
    }
    if (existing >= from.on_demand->at_most) replaced = oldest_without_certificate();
  }
  // One that never had a certificate makes room, once it is sure that the room is needed.
  if (auto admitted = gate->admit(name, replaced.empty() ? existing : existing - 1, stop); !admitted) return admitted;
  const AdmittedName admitted{from_template(from, name), options_.clock.now()};
  if (auto stored = store_on_demand(options_.storage, admitted, from.name); !stored) return stored;
  if (!replaced.empty()) forget_on_demand(replaced);
  base::log::info("a certificate on demand", {{"name", name}, {"template", from.name}});
  std::vector<UnitPtr> fresh;
  for (const Target& target : targets_of(admitted.wanted)) fresh.push_back(make_unit(target, admitted.since));
  {
    const std::lock_guard lock(mutex_);
    for (const UnitPtr& unit : fresh) units_.emplace(unit->target.record(), unit);
  }
  tell(fresh, {});
  wake();
  return {};
}

// Of those that have failed, or have had their time.
std::string Manager::Loop::oldest_without_certificate() const {
  std::map<std::string, base::SystemTime> candidates;
  std::set<std::string> kept;
  const base::SystemTime now = options_.clock.now();
  for (const auto& [record, unit] : units_) {
    if (!unit->on_demand) continue;
    const std::string& name = unit->target.wanted->name;
    const bool failed = !unit->failures.empty() || unit->preflight_failures > 0;
    if (unit->stored || unit->busy || (!failed && unit->admitted + time_to_get_one > now)) kept.insert(name);
    candidates.emplace(name, unit->admitted);
  }
  std::erase_if(candidates, [&](const auto& one) { return kept.contains(one.first); });
  const auto oldest = std::ranges::min_element(candidates, {}, [](const auto& one) { return one.second; });
  return oldest == candidates.end() ? std::string() : oldest->first;
}

// With all that is remembered of it, unless there is a certificate after all. For a day it is not taken up again.
// Another process that has the name in hand has its lock, and needs its journals.
void Manager::Loop::forget_on_demand(const std::string& name) {
  const auto ours = options_.locks.take(lock_of_certificate(name), std::chrono::milliseconds(0), {});
  std::vector<UnitPtr> forgotten = units_of(name);
  std::vector<std::string> gone;
  {
    const std::lock_guard lock(mutex_);
    if (std::ranges::any_of(forgotten, [](const UnitPtr& unit) { return unit->stored || !unit->on_demand; })) return;
    for (const UnitPtr& unit : forgotten) {
      unit->stop.request_stop();
      gone.push_back(unit->target.record());
      units_.erase(gone.back());
    }
    refused_.add(name, options_.clock.now() + failure_is_remembered);
  }
  base::log::info("a name on demand is forgotten: it never got a certificate", {{"name", name}});
  tell({}, gone);
  if (!ours) return;
  (void)remove_on_demand(options_.storage, name);
  for (const UnitPtr& unit : forgotten) (void)options_.storage.remove(unit->target.failures_key());
  const auto journals = options_.storage.list("orders");
  for (const std::string& record : gone) {
    for (const std::string& journal : journals.value_or(std::vector<std::string>{})) {
      if (journal.starts_with("orders/" + record + ".")) (void)options_.storage.remove(journal);
    }
  }
}

}  // namespace acme
