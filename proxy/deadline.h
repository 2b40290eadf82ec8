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

// A wheel of deadlines. The owner calls advance() from a timer every `tick`.
class Deadlines {
 public:
  static constexpr std::chrono::milliseconds tick{20};

  Deadlines();
  // Runs what has expired by `now`.
  void advance(std::chrono::steady_clock::time_point now);
  [[nodiscard]] std::uint64_t now_tick() const noexcept { return now_; }
  // The time of the last advance(), which costs nothing: for whatever a tick more or less does not matter to.
  [[nodiscard]] std::chrono::steady_clock::time_point now() const noexcept { return time_; }

 private:
  friend class Deadline;
  using List = boost::intrusive::list<Deadline, boost::intrusive::constant_time_size<false>>;
  static constexpr std::size_t slot_count = 1024;
  void queue(Deadline& deadline);

  std::chrono::steady_clock::time_point start_;
  std::chrono::steady_clock::time_point time_ = start_;
  std::uint64_t now_ = 1;
  std::array<List, slot_count> slots_;
};

}  // namespace proxy
