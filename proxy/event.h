// Event: one coroutine waits, others of the same thread wake it. Notified before anybody waits, it stays notified until
// the next wait takes it.
#pragma once

#include <functional>
#include <utility>

#include "proxy/asio.h"

namespace proxy {

class Event {
 public:
  explicit Event(asio::io_context& io) : io_(io) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;
  ~Event() { notify(); }

  // Wakes the waiter from the event loop (never from inside this call).
  void notify();
  // At most one waiter at a time.
  [[nodiscard]] awaitable<void> wait();

 private:
  asio::io_context& io_;
  std::move_only_function<void()> waiter_;
  bool notified_ = false;
};

}  // namespace proxy
