// MonitorWatch: one coroutine of the backend monitor that goes on until it is told to stop: it looks at `stopped` after
// each wait. Thread of the io_context.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <exception>
#include <utility>

#include "proxy/asio.h"

namespace proxy {

struct MonitorWatch {
  explicit MonitorWatch(asio::io_context& io) : timer(io) {}
  void stop() {
    stopped = true;
    timer.cancel();
  }
  asio::steady_timer timer;
  bool stopped = false;
};

// An exception is never thrown on purpose: it is logged, and the task has ended.
void log_escaped(const std::exception_ptr& escaped);

template <class Task>
void spawn_logged(asio::io_context& io, Task task) {
  asio::co_spawn(io, std::move(task), [](const std::exception_ptr& escaped) { log_escaped(escaped); });
}

}  // namespace proxy
