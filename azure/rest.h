// Rest: the pause of a loop's thread between two rounds, which news can end early.
#pragma once

#include <chrono>
#include <cstdint>
#include <mutex>
#include <stop_token>

#include "azure/client.h"

namespace azure {

class Rest {
 public:
  // Empty: base::wait_for.
  explicit Rest(Client::Wait wait = {});

  enum class End : std::uint8_t { over, woken, stopped };
  // Woken also where that was asked for since the last wait. Blocking. One thread.
  [[nodiscard]] End wait(std::chrono::milliseconds time, const std::stop_token& stop);
  // The whole time, whoever wakes; that is then the first thing that the next wait() hears of. False: stopped.
  // Blocking.
  [[nodiscard]] bool hold(std::chrono::milliseconds time, const std::stop_token& stop);
  void wake();    // any thread; never lost
  void forget();  // what was asked for so far

 private:
  const Client::Wait wait_;
  std::mutex mutex_;  // guards the next two
  bool woken_ = false;
  std::stop_source current_;  // of the wait that is under way
};

}  // namespace azure
