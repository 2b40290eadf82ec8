// Backoff: how long to leave a server alone that has failed. Pure.
#pragma once

#include <chrono>
#include <optional>

#include "base/clock.h"

namespace kube {

struct Pace {
  std::chrono::milliseconds first{800};
  std::chrono::milliseconds longest{30'000};
  std::chrono::milliseconds healthy{120'000};  // as long as this without a failure, and it begins anew
};

class Backoff {
 public:
  explicit Backoff(Pace pace) : pace_(pace), next_(pace.first) {}

  // After a failure at `now`: twice the pause before, times 1 to 2, so that all who lost the server come back one after
  // the other. `random`: from 0 up to 1.
  [[nodiscard]] std::chrono::milliseconds after_failure(base::SteadyTime now, double random);

 private:
  Pace pace_;
  std::chrono::milliseconds next_;
  std::optional<base::SteadyTime> failed_;
};

}  // namespace kube
