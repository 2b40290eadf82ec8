#include "azure/rest.h"

#include <utility>

#include "base/wait.h"

namespace azure {

Rest::Rest(Client::Wait wait) : wait_(wait ? std::move(wait) : base::wait_for) {}

Rest::End Rest::wait(std::chrono::milliseconds time, const std::stop_token& stop) {
  std::stop_source current;
  {
    const std::lock_guard lock(mutex_);
    current_ = current;
    if (woken_) current.request_stop();
  }
  const std::stop_callback relay(stop, [&current] { current.request_stop(); });
  (void)wait_(time, current.get_token());
  if (stop.stop_requested()) return End::stopped;
  const std::lock_guard lock(mutex_);
  return std::exchange(woken_, false) ? End::woken : End::over;
}

bool Rest::hold(std::chrono::milliseconds time, const std::stop_token& stop) {
  return (time.count() == 0 || wait_(time, stop)) && !stop.stop_requested();
}

void Rest::wake() {
  std::stop_source current;
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
    current = current_;
  }
  current.request_stop();  // runs what waits for it: not under the lock
}

void Rest::forget() {
  const std::lock_guard lock(mutex_);
  woken_ = false;
}

}  // namespace azure
