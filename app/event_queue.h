// EventQueue: what the outside asks of the control loop. Any thread puts, one takes.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <optional>

namespace app {

enum class Event {
  stop,           // SIGTERM, SIGINT
  reload,         // SIGHUP
  file_changed,   // the configuration file itself
  trust_changed,  // a file that the configuration names: CA bundles, client certificates
};

class EventQueue {
 public:
  // An event that waits already is not queued twice.
  void put(Event event);
  // The oldest event, or nothing at `until`. Blocking.
  [[nodiscard]] std::optional<Event> take_until(std::chrono::steady_clock::time_point until);

  // Nothing that could still come matters: the process is ending well.
  void finish() noexcept { finished_ = true; }
  [[nodiscard]] bool finished() const noexcept { return finished_; }

 private:
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Event> events_;
  std::atomic<bool> finished_{false};
};

}  // namespace app
