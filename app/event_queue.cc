#include "app/event_queue.h"

#include <algorithm>

namespace app {

void EventQueue::put(Event event) {
  {
    const std::lock_guard lock(mutex_);
    if (std::ranges::find(events_, event) != events_.end()) return;
    events_.push_back(event);
  }
  arrived_.notify_all();
}

std::optional<Event> EventQueue::take_until(std::chrono::steady_clock::time_point until) {
  std::unique_lock lock(mutex_);
  if (!arrived_.wait_until(lock, until, [this] { return !events_.empty(); })) return std::nullopt;
  const Event event = events_.front();
  events_.pop_front();
  return event;
}

}  // namespace app
