// Names that clients brought up: whether they get a certificate. On a thread of its own, for an ask URL may take its
// time.
#include <algorithm>
#include <utility>

#include "acme/manager_loop.h"
#include "base/log.h"

namespace acme {
namespace {

constexpr std::size_t asked_at_most = 1000;  // waiting; the rest is dropped and counted

}  // namespace

void Manager::Loop::asked_for(const std::string& server_name) {
  {
    const std::lock_guard lock(mutex_);
    ++counters_.on_demand_asked;
    if (on_demand_.empty() || asked_.size() >= asked_at_most) {
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
    admit(name, stop);
    const std::lock_guard lock(mutex_);
    asked_waiting_.erase(name);
  }
}

void Manager::Loop::admit(const std::string& name, const std::stop_token& stop) {
  std::vector<config::IssuedCertificate> templates;
  std::size_t existing = 0;
  {
    const std::lock_guard lock(mutex_);
    templates = on_demand_;
    for (const auto& [record, unit] : units_) {
      if (std::ranges::find(unit->target.wanted->hosts, name) != unit->target.wanted->hosts.end()) return;
      existing += unit->on_demand && unit->target.key_type == unit->target.wanted->key.types.front() ? 1 : 0;
    }
  }
  base::Error last{base::Code::refused, "no list has it"};
  for (const config::IssuedCertificate& from : templates) {
    auto& gate = gates_[from.name];
    if (!gate || gate->config() != *from.on_demand)
      gate = std::make_unique<OnDemandGate>(*from.on_demand, options_.clock);
    if (auto admitted = gate->admit(name, existing, stop); !admitted) {
      last = admitted.error();
      continue;
    }
    const config::IssuedCertificate wanted = from_template(from, name);
    if (auto stored = store_on_demand(options_.storage, wanted, from.name); !stored) {
      last = stored.error();
      continue;
    }
    base::log::info("a certificate on demand", {{"name", name}, {"template", from.name}});
    std::vector<UnitPtr> fresh;
    for (const Target& target : targets_of(wanted)) fresh.push_back(make_unit(target, true));
    {
      const std::lock_guard lock(mutex_);
      for (const UnitPtr& unit : fresh) units_.emplace(unit->target.record(), unit);
    }
    tell(fresh, {});
    wake();
    return;
  }
  base::log::debug("no certificate on demand", {{"name", name}, {"error", last.what}});
  const std::lock_guard lock(mutex_);
  ++counters_.on_demand_refused;
}

}  // namespace acme
