// Clock: the only way the control plane reads the time, so that tests step it.
#pragma once

#include <chrono>
#include <mutex>

namespace base {

using SystemTime = std::chrono::sys_time<std::chrono::nanoseconds>;
using SteadyTime = std::chrono::steady_clock::time_point;

class Clock {
 public:
  virtual ~Clock() = default;
  [[nodiscard]] virtual SystemTime now() const = 0;
  [[nodiscard]] virtual SteadyTime steady() const = 0;
};

// The machine's clock. Lives for the whole process; may be used from any thread.
[[nodiscard]] const Clock& system_clock() noexcept;

// A clock that moves only when it is told to. Any thread.
class FakeClock final : public Clock {
 public:
  explicit FakeClock(SystemTime start) : now_(start) {}
  [[nodiscard]] SystemTime now() const override;
  [[nodiscard]] SteadyTime steady() const override;
  void advance(std::chrono::nanoseconds by);

 private:
  mutable std::mutex mutex_;
  SystemTime now_;
  SteadyTime steady_{};
};

}  // namespace base
