// RateLimit: how fast this process asks the API, shared by all that ask. A token bucket.
#pragma once

#include <chrono>
#include <mutex>

#include "base/clock.h"

namespace kube {

// Any thread.
class RateLimit {
 public:
  RateLimit(const base::Clock& clock, double per_second, unsigned burst);

  // Takes one turn, and says how long to wait for it; turns come in the order in which they were taken.
  [[nodiscard]] std::chrono::nanoseconds take();

 private:
  const base::Clock& clock_;
  const double per_second_;
  const double burst_;
  std::mutex mutex_;
  double tokens_;
  base::SteadyTime counted_;
};

}  // namespace kube
