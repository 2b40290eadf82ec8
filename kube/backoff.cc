#include "kube/backoff.h"

#include <algorithm>

namespace kube {

std::chrono::milliseconds Backoff::after_failure(base::SteadyTime now, double random) {
  // The pause itself is no health.
  if (failed_ && now - *failed_ >= pace_.healthy) next_ = pace_.first;
  const auto pause = std::chrono::duration_cast<std::chrono::milliseconds>(next_ * (1.0 + random));
  failed_ = now + pause;
  next_ = std::min(2 * next_, pace_.longest);
  return pause;
}

}  // namespace kube
