#include "kube/rate_limit.h"

#include <algorithm>

namespace kube {

RateLimit::RateLimit(const base::Clock& clock, double per_second, unsigned burst)
    : clock_(clock), per_second_(per_second), burst_(burst), tokens_(burst), counted_(clock.steady()) {}

std::chrono::nanoseconds RateLimit::take() {
  const std::lock_guard lock(mutex_);
  const base::SteadyTime now = clock_.steady();
  tokens_ = std::min(burst_, tokens_ + per_second_ * std::chrono::duration<double>(now - counted_).count());
  counted_ = now;
  tokens_ -= 1;  // below nothing: a turn of the future
  if (tokens_ >= 0) return std::chrono::nanoseconds(0);
  return std::chrono::ceil<std::chrono::nanoseconds>(std::chrono::duration<double>(-tokens_ / per_second_));
}

}  // namespace kube
