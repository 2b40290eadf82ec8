#include "base/clock.h"

namespace base {
namespace {

class SystemClock final : public Clock {
 public:
  [[nodiscard]] SystemTime now() const override { return std::chrono::system_clock::now(); }
  [[nodiscard]] SteadyTime steady() const override { return std::chrono::steady_clock::now(); }
};

}  // namespace

const Clock& system_clock() noexcept {
  static const SystemClock clock;
  return clock;
}

SystemTime FakeClock::now() const {
  const std::lock_guard lock(mutex_);
  return now_;
}

SteadyTime FakeClock::steady() const {
  const std::lock_guard lock(mutex_);
  return steady_;
}

void FakeClock::advance(std::chrono::nanoseconds by) {
  const std::lock_guard lock(mutex_);
  now_ += by;
  steady_ += std::chrono::duration_cast<SteadyTime::duration>(by);
}

}  // namespace base
