// EndingCalls: a stop token for the calls of an object whose callers have none, and the end of all of them.
#pragma once

#include <chrono>
#include <stop_token>
#include <thread>

#include "base/wait.h"

namespace kube {

class EndingCalls {
 public:
  static constexpr std::chrono::seconds grace{2};

  EndingCalls() = default;
  EndingCalls(const EndingCalls&) = delete;
  EndingCalls& operator=(const EndingCalls&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }
  // Those under way have `grace`, enough for a server that answers; then they end, and all later ones. Does
  // not wait. A second time changes nothing. One thread at a time.
  void end_soon() {
    if (timer_.joinable()) return;
    timer_ = std::jthread([this](const std::stop_token& over) {
      (void)base::wait_for(grace, over);
      source_.request_stop();
    });
  }

 private:
  std::stop_source source_;
  std::jthread timer_;
};

}  // namespace kube
