// StopAfter: a stop token for calls that together may take so long and no longer.
#pragma once

#include <chrono>
#include <stop_token>
#include <thread>

#include "base/wait.h"

namespace kube {

class StopAfter {
 public:
  // Stops earlier where `outer` does.
  explicit StopAfter(std::chrono::milliseconds time, const std::stop_token& outer = {})
      : earlier_(outer, Request{&source_}), timer_([this, time](const std::stop_token& ended) {
          if (base::wait_for(time, ended)) source_.request_stop();
        }) {}
  StopAfter(const StopAfter&) = delete;
  StopAfter& operator=(const StopAfter&) = delete;

  [[nodiscard]] std::stop_token token() const { return source_.get_token(); }

 private:
  struct Request {
    std::stop_source* source;
    void operator()() const { source->request_stop(); }
  };
  std::stop_source source_;
  std::stop_callback<Request> earlier_;
  std::jthread timer_;
};

}  // namespace kube
