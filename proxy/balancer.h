// Balancer: which endpoint of a backend the next request goes to, and which are left out for a while. One for each
// worker and backend; that worker's thread only; pure but for the clock it is given.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "proxy/backend_table.h"

namespace proxy {

class Balancer {
 public:
  using Time = std::chrono::steady_clock::time_point;

  // Takes a new state; endpoints with an address known before keep their counts and ejections.
  void adopt(std::shared_ptr<const BackendState> state);

  // The index in state().endpoints. `tried`: addresses this request has been sent to (left out if there is any other).
  // Healthy and not ejected first; where all healthy ones are ejected, they are eligible all the same. nullopt if none
  // is healthy by its active check, or all weights are 0. Counts nothing.
  [[nodiscard]] std::optional<std::size_t> pick(Time now, std::span<const tcp::endpoint> tried);
  // Whether pick() would have any other than these.
  [[nodiscard]] bool offers_another(std::span<const tcp::endpoint> tried) const noexcept;
  // The index of the endpoint with this address, where it is healthy and not ejected: for a request that wants it and
  // no other. Does not count as its turn.
  [[nodiscard]] std::optional<std::size_t> usable(const tcp::endpoint& address, Time now) const;
  // A request begins at / has ended at that address. `failed`: connect error, timeout, or 502, 503, 504: counts towards
  // ejection; a success resets the count. These two also keep EndpointStats::requests, in_flight, failures and
  // ejections (connections are the pool's).
  void begin(const tcp::endpoint& address);
  void end(const tcp::endpoint& address, Time now, bool failed);

  [[nodiscard]] const BackendState& state() const noexcept { return *state_; }
  [[nodiscard]] std::shared_ptr<const BackendState> shared_state() const noexcept { return state_; }

 private:
  struct Slot;
  [[nodiscard]] Slot* find(const tcp::endpoint& address) noexcept;
  void consider_ejection(Slot& slot, Time now);
  [[nodiscard]] std::size_t choose();  // among the candidates

  std::shared_ptr<const BackendState> state_;
  std::vector<Slot> slots_;     // beside state_->endpoints
  std::vector<Slot> departed_;  // no longer in the state, but with requests that have not ended

 public:
  Balancer();
  ~Balancer();
  Balancer(Balancer&&) noexcept;
  Balancer& operator=(Balancer&&) noexcept;
};

// At most a share of the requests of the last ten seconds may be retries, so that a failing backend is not asked twice
// as often.
class RetryBudget {
 public:
  using Time = std::chrono::steady_clock::time_point;
  void count_request(Time now) noexcept;
  // True, and counted, if one more retry is within `percent` (at least 3 in ten seconds are always allowed).
  [[nodiscard]] bool take(Time now, unsigned percent) noexcept;

 private:
  void roll(Time now) noexcept;
  static constexpr std::size_t slices = 10;  // of a second
  std::array<std::uint32_t, slices> requests_{};
  std::array<std::uint32_t, slices> retries_{};
  Time second_{};
};

}  // namespace proxy
