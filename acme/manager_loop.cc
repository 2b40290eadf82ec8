#include "acme/manager_loop.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/keep_running.h"
#include "base/log.h"

namespace acme {
namespace {

// The clock on the wall may be set: nobody trusts a plan for longer than this.
constexpr std::chrono::milliseconds longest_nap{30'000};
constexpr std::chrono::minutes clock_tolerance{1};
constexpr std::chrono::minutes after_exception{10};

// Whether an order of this issuer, and of those that it falls back to, is the same by both.
bool are_same(const Issuers& left, const Issuers& right, std::string name) {
  for (std::set<std::string> seen; !name.empty() && seen.insert(name).second;) {
    const auto before = left.find(name);
    const auto after = right.find(name);
    if (before == left.end() || after == right.end()) return before == left.end() && after == right.end();
    if (before->second != after->second) return false;
    const auto* acme = std::get_if<config::AcmeIssuer>(&after->second);
    name = acme != nullptr ? acme->fallback : "";
  }
  return true;
}

}  // namespace

Manager::Loop::Loop(Options options)
    : options_(std::move(options)),
      shelf_(options_.storage),
      revocations_(options_.storage),
      accounts_(options_.storage, options_.locks),
      clients_(options_.clock,
               [this](const Client::Exchange& exchange) {
                 const std::lock_guard lock(mutex_);
                 ++counters_.requests[fmt::format("{} {}", exchange.operation, exchange.status)];
               }),
      issuing_({.storage = options_.storage,
                .locks = options_.locks,
                .challenges = options_.challenges,
                .accounts = accounts_,
                .clients = clients_,
                .clock = options_.clock,
                .preflight = options_.preflight,
                .challenge_ended =
                    [this](config::ChallengeType type, Challenge::Status status) {
                      count(&ManagerCounters::challenges,
                            fmt::format("{} {}", config::to_string(type), to_string(status)));
                    },
                .azure_zones = options_.azure_zones}) {}

Manager::Loop::~Loop() {
  for (std::jthread& thread : threads_) thread.request_stop();
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [record, unit] : units_) unit->stop.request_stop();
  }
  wake();
  threads_.clear();
}

void Manager::Loop::start(certstore::Report report) {
  {
    const std::lock_guard reporting(report_mutex_);
    report_ = std::move(report);
  }
  std::vector<UnitPtr> all;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [record, unit] : units_) all.push_back(unit);
  }
  tell(all, {});
  for (unsigned i = 0; i < std::max(1U, options_.concurrent_orders); ++i) {
    threads_.emplace_back(
        [this](const std::stop_token& stop) { base::keep_running("certificates", stop, [&] { run(stop); }); });
  }
  threads_.emplace_back([this](const std::stop_token& stop) {
    base::keep_running("certificates on demand", stop, [&] { admit_asked(stop); });
  });
  threads_.emplace_back([this](const std::stop_token& stop) {
    base::keep_running("records and revocations", stop, [&] { sweep(stop); });
  });
}

void Manager::Loop::configure(std::vector<config::IssuedCertificate> certificates,
                              std::map<std::string, config::Issuer> issuers) {
  std::vector<UnitPtr> fresh;
  std::vector<std::string> gone;
  const auto wanted_issuers = std::make_shared<const Issuers>(std::move(issuers));
  std::map<std::string, UnitPtr> known;
  IssuersPtr known_issuers;
  {
    const std::lock_guard lock(mutex_);
    known = units_;
    known_issuers = issuers_;
  }
  std::map<std::string, UnitPtr> next;
  std::vector<config::IssuedCertificate> on_demand;
  const std::vector<PlannedRevocation> to_be_revoked = revocations_.planned();
  const auto add = [&](const Target& target, const auto& make) {
    const auto found = known.find(target.record());
    const bool same = found != known.end() && *found->second->target.wanted == *target.wanted &&
                      are_same(*known_issuers, *wanted_issuers, target.wanted->issuer);
    const UnitPtr unit = same ? found->second : make();
    if (!same) {
      unit->anew = unit->stored && std::ranges::any_of(to_be_revoked, [&](const PlannedRevocation& planned) {
                     return planned.fingerprint == unit->stored->certificate->fingerprint();
                   });
      fresh.push_back(unit);
    }
    next.emplace(target.record(), unit);
  };
  for (const config::IssuedCertificate& certificate : certificates) {
    if (certificate.on_demand) on_demand.push_back(certificate);
    if (certificate.hosts.empty()) continue;
    for (const Target& target : targets_of(certificate)) {
      add(target, [&] { return make_unit(target, std::nullopt); });
    }
  }
  for (const AdmittedName& admitted : stored_on_demand(options_.storage, on_demand)) {
    for (const Target& target : targets_of(admitted.wanted)) {
      add(target, [&] { return make_unit(target, admitted.since); });
    }
  }
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [record, unit] : units_) {
      const auto kept = next.find(record);
      if (kept != next.end() && kept->second == unit) continue;
      if (kept == next.end() && unit->on_demand && !known.contains(record)) {  // admitted meanwhile
        next.emplace(record, unit);
        continue;
      }
      unit->stop.request_stop();
      if (kept == next.end()) gone.push_back(record);
    }
    units_ = std::move(next);
    issuers_ = wanted_issuers;
    if (on_demand_ != on_demand) refused_.clear();
    on_demand_ = std::move(on_demand);
  }
  tell(fresh, gone);
  wake();
}

Manager::Loop::UnitPtr Manager::Loop::make_unit(const Target& target, std::optional<base::SystemTime> admitted) const {
  auto unit = std::make_shared<Unit>();
  unit->target = target;
  unit->on_demand = admitted.has_value();
  unit->admitted = admitted.value_or(base::SystemTime{});
  if (auto stored = shelf_.read(target.certificate_key())) {
    if (*stored && !revocations_.forbids(*(*stored)->certificate)) unit->stored = std::move(*stored);
  } else {
    base::log::warning("an issued certificate cannot be read",
                       {{"certificate", target.wanted->name}, {"error", stored.error().what}});
  }
  if (const auto text = options_.storage.read(target.failures_key()); text && *text) {
    if (const auto json = parse_json(**text)) unit->failures = FailureMemory::from(*json);
    unit->problem = unit->failures.text();
    unit->problem_type = unit->failures.problem_type();
  }
  unit->state = ManagedCertificate::State::queued;
  unit->next = options_.clock.now();
  unit->next_reason = "start";
  unit->interim = interim_for(*unit, unit->stored);
  return unit;
}

void Manager::Loop::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    const base::SystemTime now = options_.clock.now();
    if (now + clock_tolerance < latest_) distrust_plans(now);
    latest_ = now;
    const UnitPtr unit = take_due(now);
    if (!unit) {
      const std::uint64_t seen = wakes_;
      changed_.wait_for(lock, stop, until_next(now), [&] { return wakes_ != seen; });
      continue;
    }
    lock.unlock();
    const bool whole = base::attempt(unit->target.record(), [&] { work_on(unit); });
    lock.lock();
    unit->busy = false;
    if (!whole) {
      unit->state = ManagedCertificate::State::failed;
      unit->problem = "an error of sekisho's own, see its log";
      unit->next = options_.clock.now() + after_exception;
      unit->next_reason = "an error of sekisho's own";
      unit->rest = {unit->next, unit->state, unit->next_reason};
    }
    if (unit->again) unit->next = std::min(unit->next, *std::exchange(unit->again, std::nullopt));
    ++wakes_;
    changed_.notify_all();
  }
}

// The clock was put back: what was planned by it would come late by as much.
void Manager::Loop::distrust_plans(base::SystemTime now) {
  for (const auto& [record, unit] : units_) {
    unit->rest = {};
    look_at(*unit, now);
  }
}

// With the mutex. What a thread is at may overwrite `next`: then it is done again.
void Manager::Loop::look_at(Unit& unit, base::SystemTime when) {
  unit.next = std::min(unit.next, when);
  if (unit.busy && unit.state != ManagedCertificate::State::ordering)
    unit.again = std::min(unit.again.value_or(when), when);
}

// Who may issue for a group: in a cluster the namespace of an Issuer.
std::string_view Manager::Loop::group_of(const Unit& unit) {
  const std::string_view issuer = unit.target.wanted->issuer;
  return issuer.substr(0, std::min(issuer.rfind('/'), issuer.size()));
}

// With the mutex. The groups that may have no further thread now: as many are left free as a group has, so that a
// server that lets its orders hang holds up the half of them, and never those of all others. Where nobody but the owner
// of a file names issuers, and there is one group, it may have all.
std::set<std::string_view> Manager::Loop::served_enough() const {
  std::map<std::string_view, std::size_t> busy;
  std::size_t free = std::max(1U, options_.concurrent_orders);
  bool alone = true;
  for (const auto& [record, unit] : units_) {
    alone =
        alone && group_of(*unit) == unit->target.wanted->issuer && group_of(*unit) == group_of(*units_.begin()->second);
    if (!unit->busy) continue;
    ++busy[group_of(*unit)];
    if (free > 0) --free;
  }
  std::set<std::string_view> groups;
  if (alone) return groups;
  for (const auto& [group, count] : busy) {
    if (count >= free) groups.insert(group);
  }
  return groups;
}

// The one that has waited longest. The kinds of key of one certificate take turns, see Issuing::run.
Manager::Loop::UnitPtr Manager::Loop::take_due(base::SystemTime now) {
  std::vector<std::string_view> taken;
  for (const auto& [record, unit] : units_) {
    if (unit->busy) taken.push_back(unit->target.wanted->name);
  }
  const std::set<std::string_view> enough = served_enough();
  UnitPtr due;
  for (const auto& [record, unit] : units_) {
    if (unit->busy || unit->next > now || enough.contains(group_of(*unit)) ||
        std::ranges::find(taken, unit->target.wanted->name) != taken.end())
      continue;
    if (!due || unit->next < due->next) due = unit;
  }
  if (due) due->busy = true;
  return due;
}

std::chrono::milliseconds Manager::Loop::until_next(base::SystemTime now) const {
  base::SystemTime next = now + longest_nap;
  for (const auto& [record, unit] : units_) {
    // What is due waits for another of the same certificate, the end of which wakes everybody.
    if (!unit->busy && unit->next > now) next = std::min(next, unit->next);
  }
  return std::chrono::ceil<std::chrono::milliseconds>(std::max(next - now, std::chrono::nanoseconds(1'000'000)));
}

// What was to be replaced may have been: it can be revoked now.
void Manager::Loop::notice_new_certificates() {
  revocations_due_ = true;
  changed_.notify_all();
}

void Manager::Loop::wake() {
  const std::lock_guard lock(mutex_);
  ++wakes_;
  changed_.notify_all();
}

void Manager::Loop::tell(const std::vector<UnitPtr>& changed, const std::vector<std::string>& gone) {
  const std::lock_guard reporting(report_mutex_);
  if (!report_) return;
  std::vector<certstore::Candidate> candidates;
  std::vector<std::string> ids_gone;
  std::vector<std::string> ids_withdrawn;
  std::vector<std::string> withheld;
  const auto interim = [](const std::string& record) { return record + " until it is issued"; };
  {
    const std::lock_guard lock(mutex_);
    for (const UnitPtr& unit : changed) {
      const std::string record = unit->target.record();
      const auto current = units_.find(record);
      if (current == units_.end() || current->second != unit) continue;
      // Also where a new one is there already: the Store would keep the old one beside it.
      if (std::exchange(unit->withdrawn, false)) ids_withdrawn.push_back(record);
      if (unit->stored) {
        candidates.push_back({.id = record, .certificate = unit->stored->certificate, .file_path = {}});
      } else {
        ids_gone.push_back(record);
      }
      if (unit->interim) {
        candidates.push_back({.id = interim(record), .certificate = unit->interim, .file_path = {}, .stand_in = true});
      } else {
        ids_gone.push_back(interim(record));
      }
    }
    for (const auto& [record, unit] : units_) {
      const bool hidden = !unit->stored && unit->state != ManagedCertificate::State::held_elsewhere &&
                          unit->target.wanted->until_issued == config::IssuedCertificate::UntilIssued::refuse;
      if (!hidden) continue;
      for (std::string& name : values_of(unit->target.identifiers)) withheld.push_back(std::move(name));
    }
  }
  for (const std::string& record : gone) {
    ids_gone.push_back(record);
    ids_gone.push_back(interim(record));
  }
  // In no moment between does a name show what was not meant for it.
  std::ranges::sort(withheld);
  std::vector<std::string> both;
  std::ranges::set_union(withheld, withheld_, std::back_inserter(both));
  if (options_.withhold && both != withheld_) options_.withhold(both);
  certstore::Change change = certstore::Change::some(std::move(candidates), std::move(ids_gone));
  change.withdrawn = std::move(ids_withdrawn);
  report_(std::move(change));
  if (options_.withhold && both != withheld) options_.withhold(withheld);
  withheld_ = std::move(withheld);
}

std::vector<ManagedCertificate> Manager::Loop::status() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::vector<const Unit*>> by_name;
  for (const auto& [record, unit] : units_) by_name[unit->target.wanted->name].push_back(unit.get());
  std::vector<ManagedCertificate> all;
  for (const auto& [name, units] : by_name) {
    const auto issuer = issuers_->find(units.front()->target.wanted->issuer);
    const std::string authority = issuer == issuers_->end() ? "" : authority_of(issuer->second);
    all.push_back(shown(units, authority == "ca" || authority == "self_signed" ? authority : "acme"));
  }
  return all;
}

ManagerCounters Manager::Loop::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

std::vector<Manager::Loop::UnitPtr> Manager::Loop::units_of(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  std::vector<UnitPtr> found;
  for (const auto& [record, unit] : units_) {
    if (unit->target.wanted->name == name) found.push_back(unit);
  }
  return found;
}

base::Result<void> Manager::Loop::renew(const std::string& name) {
  const auto units = units_of(name);
  if (units.empty()) return base::fail(base::Code::not_found, fmt::format("no certificate is called {}", name));
  {
    const std::lock_guard lock(mutex_);
    for (const UnitPtr& unit : units) {
      if (unit->busy && unit->state == ManagedCertificate::State::ordering) continue;  // it is being done
      unit->anew = true;
      unit->forced = true;
      unit->failures.clear();
      unit->preflight_failures = 0;
      look_at(*unit, options_.clock.now());
      unit->next_reason = "asked for";
      if (!unit->busy) unit->state = ManagedCertificate::State::queued;
    }
  }
  wake();
  return {};
}

// Those that lean on another source, or have nothing yet: what they lean on may have gone or come.
void Manager::Loop::look_again() {
  const std::lock_guard lock(mutex_);
  bool any = false;
  for (const auto& [record, unit] : units_) {
    if (unit->state != ManagedCertificate::State::held_elsewhere && !unit->interim && !unit->busy) continue;
    // Once a second at the most: a source may report a thousand times.
    const base::SystemTime soon = options_.clock.now() + std::chrono::seconds(1);
    any = any || unit->next > soon;
    look_at(*unit, soon);
  }
  if (!any) return;
  ++wakes_;
  changed_.notify_all();
}

void Manager::Loop::storage_changed(const std::string& record) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [known, unit] : units_) {
      if (record.empty() || known == record) look_at(*unit, options_.clock.now());
    }
  }
  wake();
}

base::Result<config::AcmeIssuer> Manager::Loop::acme_issuer(const std::string& name) const {
  const std::lock_guard lock(mutex_);
  const auto found = issuers_->find(name);
  if (found == issuers_->end()) return base::fail(base::Code::not_found, fmt::format("no issuer is called {}", name));
  if (const auto* acme = std::get_if<config::AcmeIssuer>(&found->second)) return *acme;
  return base::fail(base::Code::invalid, fmt::format("the issuer {} is not an ACME server", name));
}

double Manager::Loop::random() {
  const std::lock_guard lock(mutex_);
  return std::uniform_real_distribution<double>(0, 1)(generator_);
}

void Manager::Loop::count(ManagerCounters::By ManagerCounters::* what, const std::string& label) {
  const std::lock_guard lock(mutex_);
  ++(counters_.*what)[label];
}

}  // namespace acme
