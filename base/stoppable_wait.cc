#include "base/stoppable_wait.h"

#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdint>

namespace base {

void StoppableWait::Wake::operator()() const noexcept {
  const std::uint64_t one = 1;
  [[maybe_unused]] const auto written = ::write(descriptor, &one, sizeof one);
}

StoppableWait::StoppableWait(SteadyTime deadline, const std::stop_token& stop)
    : deadline_(deadline), event_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), on_stop_(stop, Wake{event_.number()}) {}

Result<void> StoppableWait::for_descriptor(int descriptor, short events) {
  std::array<pollfd, 2> asked{pollfd{descriptor, events, 0}, {}};
  const auto ready = poll(asked.data(), asked.size(), deadline_);
  if (!ready) return std::unexpected(ready.error());
  if (*ready == 0) return fail(Code::timeout, "no answer in time", Origin::control, Retry::later);
  return {};
}

Result<bool> StoppableWait::for_either(int first, int second) {
  std::array<pollfd, 3> asked{pollfd{first, POLLIN, 0}, pollfd{second, POLLIN, 0}, {}};
  const auto ready = poll(asked.data(), asked.size(), deadline_);
  if (!ready) return std::unexpected(ready.error());
  if (*ready == 0) return fail(Code::timeout, "no answer in time", Origin::control, Retry::later);
  return asked[0].revents != 0;
}

Result<void> StoppableWait::pass(std::chrono::milliseconds duration) {
  const SteadyTime until = std::chrono::steady_clock::now() + duration;
  std::array<pollfd, 1> asked{};
  const auto ready = poll(asked.data(), asked.size(), std::min(until, deadline_));
  if (!ready) return std::unexpected(ready.error());
  if (until > deadline_) return fail(Code::timeout, "no answer in time", Origin::control, Retry::later);
  return {};
}

Result<int> StoppableWait::poll(pollfd* asked, nfds_t count, SteadyTime until) {
  pollfd& wake = asked[count - 1];
  wake = pollfd{event_.number(), POLLIN, 0};
  if (!event_.open()) return fail(Code::io, "no descriptor is left to wait with");
  while (true) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    const int ready = ::poll(asked, count, static_cast<int>(std::clamp<std::int64_t>(left, 0, 3'600'000)));
    if (ready < 0 && errno != EINTR) return fail_errno("poll", errno);
    if (wake.revents != 0) return fail(Code::cancelled, "stopped");
    if (ready > 0) return ready;
    if (ready == 0 && left <= 3'600'000) return 0;
  }
}

}  // namespace base
