// Deadline: something that happens unless it is disarmed in time. Coarse (Deadlines::tick) and cheap: arming again,
// which happens for every request, is one store. One thread: that of the worker.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>

#include <boost/intrusive/list.hpp>

namespace proxy {

class Deadlines;

class Deadline : public boost::intrusive::list_base_hook<boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // `expired` runs on the worker's loop, once for each arm(), and may destroy nothing but may arm this deadline again.
  Deadline(Deadlines& deadlines, std::move_only_function<void()> expired);
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

  // From now; replaces what was armed. Zero disarms.
  void arm(std::chrono::milliseconds after);
  void disarm() noexcept;
  [[nodiscard]] bool armed() const noexcept { return at_ != 0; }

 private:
  friend class Deadlines;
  Deadlines* deadlines_;
  std::move_only_function<void()> expired_;
  std::uint64_t at_ = 0;      // tick; 0: not armed
  std::uint64_t queued_ = 0;  // tick of the slot it is in
};

// A wheel of deadlines. The owner calls advance() from a timer, which it sets to what sleep() says: every `tick` while
// deadlines are armed, more seldom while nothing happens.
class Deadlines {
 public:
  static constexpr std::chrono::milliseconds tick{20};

  Deadlines();
  // Runs what has expired by `now`.
  void advance(std::chrono::steady_clock::time_point now);
  // How long advance() is not needed, at most `longest`, if nothing wakes the wheel before; a tick if something was
  // armed since the last call.
  [[nodiscard]] std::chrono::milliseconds sleep(std::chrono::milliseconds longest);
  // What sleep() has said does not hold any more: `woken`, if one is given, runs and has to see to an early advance().
  void wake() {
    if (asleep_) rouse();
  }
  void on_wake(std::move_only_function<void()> woken) { woken_ = std::move(woken); }
  [[nodiscard]] std::uint64_t now_tick() {
    wake();
    return present_;
  }
  // The time of the last advance(), which costs nothing: for whatever a tick more or less does not matter to.
  [[nodiscard]] std::chrono::steady_clock::time_point now() {
    wake();
    return time_;
  }

 private:
  friend class Deadline;
  using List = boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;
  static constexpr std::size_t slot_count = 1024;
  void queue(Deadline& deadline);
  void rouse();
  [[nodiscard]] std::uint64_t tick_at(std::chrono::steady_clock::time_point time) const noexcept;

  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point time_ = start_;
  std::uint64_t now_ = 1;      // the last tick whose deadlines have run
  std::uint64_t present_ = 1;  // the tick that it is: later than now_ after a sleep that was cut short
  bool busy_ = false;
  bool asleep_ = false;
  std::move_only_function<void()> woken_;
  std::array<List, slot_count> slots_;
};

}  // namespace proxy
