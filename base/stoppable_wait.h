// StoppableWait: waits for descriptors, or for nothing, until a deadline or a stop. For blocking code of the control
// plane.
#pragma once

#include <poll.h>

#include <chrono>
#include <functional>
#include <stop_token>

#include "base/clock.h"
#include "base/descriptor.h"
#include "base/error.h"

namespace base {

// One thread. `what` names the work in errors.
class StoppableWait {
 public:
  StoppableWait(SteadyTime deadline, const std::stop_token& stop);
  StoppableWait(const StoppableWait&) = delete;
  StoppableWait& operator=(const StoppableWait&) = delete;

  // Until `descriptor` is ready for `events` (POLLIN, POLLOUT) or has failed. Errors: timeout, cancelled, io. Blocking.
  [[nodiscard]] Result<void> for_descriptor(int descriptor, short events);
  // The same for two at once: true where the first is ready (both may be).
  [[nodiscard]] Result<bool> for_either(int first, int second);
  // Lets `duration` pass. Errors: timeout if the deadline comes before, cancelled, io. Blocking.
  [[nodiscard]] Result<void> pass(std::chrono::milliseconds duration);

  [[nodiscard]] SteadyTime deadline() const noexcept { return deadline_; }

 private:
  struct Wake {
    int descriptor;
    void operator()() const noexcept;
  };
  // The number of ready descriptors among `asked`; the last of them is the wake-up of `stop`. 0: `until` came.
  [[nodiscard]] Result<int> poll(pollfd* asked, nfds_t count, SteadyTime until);

  SteadyTime deadline_;
  Descriptor event_;
  std::stop_callback<Wake> on_stop_;
};

}  // namespace base
