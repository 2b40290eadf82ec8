// SteppedTime: a clock that a test moves, and a wait on it: threads that wait for hours do so in no time, and what they
// do comes in the order in which it would have.
#pragma once

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <stop_token>

#include "base/clock.h"

namespace test {

class SteppedTime {
 public:
  using Wait = std::function<bool(std::chrono::milliseconds, const std::stop_token&)>;

  // For what takes a wait. Outlives it.
  [[nodiscard]] Wait wait() {
    return [this](std::chrono::milliseconds time, const std::stop_token& stop) { return sleep(time, stop); };
  }

  // Time that passes while nobody waits for it: a request that is not answered.
  void pass(std::chrono::nanoseconds time) {
    const std::lock_guard lock(mutex_);
    move(time);
  }

  // Lets the time pass, from one end of a wait to the next, each time until `sleepers` threads wait again. False: one
  // of them does something else for too long.
  [[nodiscard]] bool run_for(std::chrono::nanoseconds time, std::size_t sleepers = 1) {
    std::unique_lock lock(mutex_);
    const base::SteadyTime end = clock.steady() + time;
    for (;;) {
      if (!changed_.wait_for(lock, std::chrono::seconds(30), [&] { return asleep() == sleepers; })) return false;
      const base::SteadyTime next = next_end();
      if (next > end) break;
      move(next - clock.steady());
    }
    move(std::max<std::chrono::nanoseconds>(end - clock.steady(), std::chrono::nanoseconds(0)));
    return true;
  }

  base::FakeClock clock{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)};

 private:
  struct Sleeper {
    base::SteadyTime end;
    std::stop_token stop;
  };

  bool sleep(std::chrono::milliseconds time, const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    const auto self = sleepers_.insert(sleepers_.end(), {clock.steady() + time, stop});
    changed_.notify_all();
    changed_.wait(lock, stop, [&] { return clock.steady() >= self->end; });
    sleepers_.erase(self);
    return !stop.stop_requested();
  }
  // With mutex_ held.
  void move(std::chrono::nanoseconds time) {
    clock.advance(time);
    changed_.notify_all();
  }
  [[nodiscard]] bool sleeps(const Sleeper& one) const { return one.end > clock.steady() && !one.stop.stop_requested(); }
  [[nodiscard]] std::size_t asleep() const {
    return static_cast<std::size_t>(
        std::ranges::count_if(sleepers_, [this](const Sleeper& one) { return sleeps(one); }));
  }
  [[nodiscard]] base::SteadyTime next_end() const {
    base::SteadyTime next = base::SteadyTime::max();
    for (const Sleeper& one : sleepers_) {
      if (sleeps(one)) next = std::min(next, one.end);
    }
    return next;
  }

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::list<Sleeper> sleepers_;
};

}  // namespace test
