#include "proxy/balancer.h"

#include <algorithm>
#include <utility>

namespace proxy {

struct Balancer::Slot {
  tcp::endpoint address;
  std::shared_ptr<EndpointStats> stats;
  unsigned weight = 1;
  bool healthy = true;
  bool candidate = false;       // of the pick() that runs
  std::int64_t current = 0;     // smooth weighted round robin
  std::uint64_t in_flight = 0;  // of this worker
  unsigned failures = 0;        // one after the other
  Time ejected_until{};

  [[nodiscard]] bool ejected(Time now) const noexcept { return now < ejected_until; }
  [[nodiscard]] bool usable(Time now) const noexcept { return weight > 0 && healthy && !ejected(now); }
};

Balancer::Balancer() : state_(std::make_shared<const BackendState>()) {}
Balancer::~Balancer() = default;
Balancer::Balancer(Balancer&&) noexcept = default;
Balancer& Balancer::operator=(Balancer&&) noexcept = default;

void Balancer::adopt(std::shared_ptr<const BackendState> state) {
  // By address, so that a thousand endpoints are not a million comparisons on a worker.
  std::vector<std::pair<tcp::endpoint, Slot*>> known;
  known.reserve(slots_.size() + departed_.size());
  for (std::vector<Slot>* before : {&slots_, &departed_}) {
    for (Slot& slot : *before) known.emplace_back(slot.address, &slot);
  }
  std::ranges::stable_sort(known, {}, &std::pair<tcp::endpoint, Slot*>::first);
  std::vector<Slot> slots;
  slots.reserve(state->endpoints.size());
  for (const EndpointState& endpoint : state->endpoints) {
    Slot slot;
    const auto found = std::ranges::lower_bound(known, endpoint.address, {}, &std::pair<tcp::endpoint, Slot*>::first);
    if (found != known.end() && found->first == endpoint.address) slot = std::exchange(*found->second, Slot{});
    slot.address = endpoint.address;
    slot.stats = endpoint.stats;
    slot.weight = endpoint.weight;
    slot.healthy = endpoint.healthy;
    slots.push_back(std::move(slot));
  }
  for (Slot& slot : slots_) {
    if (slot.in_flight > 0) departed_.push_back(std::move(slot));
  }
  std::erase_if(departed_, [](const Slot& slot) { return slot.in_flight == 0; });
  slots_ = std::move(slots);
  state_ = std::move(state);
}

std::optional<std::size_t> Balancer::pick(Time now, std::span<const tcp::endpoint> tried) {
  const auto untried = [&tried](const Slot& slot) { return std::ranges::find(tried, slot.address) == tried.end(); };
  // From best to worst. An ejected one is better than a sure 503; one that its own check calls unhealthy is not.
  for (const auto& [must_be_usable, must_be_untried] :
       {std::pair(true, true), {false, true}, {true, false}, {false, false}}) {
    bool any = false;
    for (Slot& slot : slots_) {
      slot.candidate = must_be_usable ? slot.usable(now) : slot.weight > 0 && slot.healthy;
      if (must_be_untried && slot.candidate) slot.candidate = untried(slot);
      any = any || slot.candidate;
    }
    if (any) return choose();
  }
  return std::nullopt;
}

bool Balancer::offers_another(std::span<const tcp::endpoint> tried) const noexcept {
  return std::ranges::any_of(slots_, [&tried](const Slot& slot) {
    return slot.weight > 0 && slot.healthy && std::ranges::find(tried, slot.address) == tried.end();
  });
}

std::optional<std::size_t> Balancer::usable(const tcp::endpoint& address, Time now) const {
  const auto slot = std::ranges::find(slots_, address, &Slot::address);
  if (slot == slots_.end() || !slot->usable(now)) return std::nullopt;
  return static_cast<std::size_t>(slot - slots_.begin());
}

std::size_t Balancer::choose() {
  const bool least = state_->config && state_->config->balance == config::Balance::least_requests;
  if (least) {
    // Fewest requests for its weight: a/b < c/d as a*d < c*b. What is equal stays for the round robin.
    const auto load = [](const Slot& a, const Slot& b) { return (a.in_flight + 1) * b.weight; };
    const Slot* best = nullptr;
    for (const Slot& slot : slots_) {
      if (slot.candidate && (best == nullptr || load(slot, *best) < load(*best, slot))) best = &slot;
    }
    for (Slot& slot : slots_) slot.candidate = slot.candidate && load(slot, *best) == load(*best, slot);
  }
  // Smooth weighted round robin: everyone gains its weight, the richest goes and pays for all.
  std::int64_t total = 0;
  std::size_t chosen = slots_.size();
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (!slot.candidate) continue;
    slot.current += slot.weight;
    total += slot.weight;
    if (chosen == slots_.size() || slot.current > slots_[chosen].current) chosen = i;
  }
  slots_[chosen].current -= total;
  return chosen;
}

void Balancer::begin(const tcp::endpoint& address) {
  Slot* slot = find(address);
  if (slot == nullptr) return;
  ++slot->in_flight;
  if (!slot->stats) return;
  slot->stats->requests.fetch_add(1, std::memory_order_relaxed);
  slot->stats->in_flight.fetch_add(1, std::memory_order_relaxed);
}

void Balancer::end(const tcp::endpoint& address, Time now, bool failed) {
  Slot* slot = find(address);
  if (slot == nullptr || slot->in_flight == 0) return;
  --slot->in_flight;
  if (slot->stats) {
    slot->stats->in_flight.fetch_sub(1, std::memory_order_relaxed);
    if (failed) slot->stats->failures.fetch_add(1, std::memory_order_relaxed);
  }
  if (failed) {
    ++slot->failures;
    consider_ejection(*slot, now);
  } else {
    slot->failures = 0;
  }
  std::erase_if(departed_, [](const Slot& departed) { return departed.in_flight == 0; });
}

Balancer::Slot* Balancer::find(const tcp::endpoint& address) noexcept {
  for (std::vector<Slot>* slots : {&slots_, &departed_}) {
    const auto found = std::ranges::find(*slots, address, &Slot::address);
    if (found != slots->end()) return &*found;
  }
  return nullptr;
}

void Balancer::consider_ejection(Slot& slot, Time now) {
  if (!state_->config) return;
  const config::Ejection& rule = state_->config->ejection;
  if (rule.consecutive_failures == 0 || slot.failures < rule.consecutive_failures || slot.ejected(now)) return;
  const auto ejected =
      static_cast<std::size_t>(std::ranges::count_if(slots_, [now](const Slot& s) { return s.ejected(now); }));
  const bool within_share = (ejected + 1) * 100 <= slots_.size() * rule.at_most_percent;
  const bool one_stays = std::ranges::any_of(slots_, [&](const Slot& s) { return &s != &slot && s.usable(now); });
  if (!within_share || !one_stays) return;
  slot.ejected_until = now + rule.duration;
  slot.failures = 0;
  if (slot.stats) slot.stats->ejections.fetch_add(1, std::memory_order_relaxed);
}

void RetryBudget::count_request(Time now) noexcept {
  roll(now);
  ++requests_[static_cast<std::size_t>(second_.time_since_epoch() / std::chrono::seconds(1)) % slices];
}

bool RetryBudget::take(Time now, unsigned percent) noexcept {
  constexpr std::uint64_t always = 3;
  roll(now);
  std::uint64_t requests = 0;
  std::uint64_t retries = 0;
  for (std::size_t i = 0; i < slices; ++i) {
    requests += requests_[i];
    retries += retries_[i];
  }
  if (retries >= always && (retries + 1) * 100 > requests * percent) return false;
  ++retries_[static_cast<std::size_t>(second_.time_since_epoch() / std::chrono::seconds(1)) % slices];
  return true;
}

void RetryBudget::roll(Time now) noexcept {
  const Time second = std::chrono::floor<std::chrono::seconds>(now);
  if (second <= second_) return;
  const auto gone = static_cast<std::uint64_t>((second - second_) / std::chrono::seconds(1));
  const auto newest = static_cast<std::uint64_t>(second.time_since_epoch() / std::chrono::seconds(1));
  for (std::uint64_t i = 0; i < std::min<std::uint64_t>(gone, slices); ++i) {
    requests_[(newest - i) % slices] = 0;
    retries_[(newest - i) % slices] = 0;
  }
  second_ = second;
}

}  // namespace proxy
