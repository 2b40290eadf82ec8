#include "proxy/deadline.h"

#include <algorithm>
#include <utility>

namespace proxy {

Deadline::Deadline(Deadlines& deadlines, std::move_only_function<void()> expired)
    : deadlines_(&deadlines), expired_(std::move(expired)) {}

void Deadline::arm(std::chrono::milliseconds after) {
  if (after <= std::chrono::milliseconds::zero()) {
    disarm();
    return;
  }
  // One tick more: the current one has partly gone, and a deadline must never come early.
  const auto ticks =
      static_cast<std::uint64_t>((after + Deadlines::tick - std::chrono::milliseconds(1)) / Deadlines::tick);
  at_ = deadlines_->now_ + ticks + 1;
  // Later than where it is queued: it will be found there and moved on. That makes arming again and again cheap.
  if (is_linked() && queued_ <= at_) return;
  deadlines_->queue(*this);
}

void Deadline::disarm() noexcept {
  at_ = 0;
}

Deadlines::Deadlines() : start_(std::chrono::steady_clock::now()) {}

void Deadlines::queue(Deadline& deadline) {
  if (deadline.is_linked()) deadline.unlink();
  // What lies beyond the wheel waits in its last slot and is queued again from there.
  deadline.queued_ = std::min(deadline.at_, now_ + slot_count - 1);
  slots_[deadline.queued_ % slot_count].push_back(deadline);
}

void Deadlines::advance(std::chrono::steady_clock::time_point now) {
  time_ = now;
  const auto target = static_cast<std::uint64_t>((now - start_) / tick) + 1;
  while (now_ < target) {
    ++now_;
    List due;
    due.swap(slots_[now_ % slot_count]);
    while (!due.empty()) {
      Deadline& deadline = due.front();
      due.pop_front();
      if (deadline.at_ == 0) continue;
      if (deadline.at_ > now_) {
        queue(deadline);
        continue;
      }
      deadline.at_ = 0;
      deadline.expired_();  // may destroy others of `due`: they unlink themselves
    }
  }
}

}  // namespace proxy
