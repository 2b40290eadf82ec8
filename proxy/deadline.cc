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
  deadlines_->wake();
  deadlines_->busy_ = true;
  at_ = deadlines_->present_ + ticks + 1;
  // Later than where it is queued: it will be found there and moved on. That makes arming again and again cheap.
  if (is_linked() && queued_ <= at_) return;
  deadlines_->queue(*this);
}

void Deadline::disarm() noexcept {
  at_ = 0;
}

Deadlines::Deadlines() : start_(std::chrono::steady_clock::now()) {}

std::uint64_t Deadlines::tick_at(std::chrono::steady_clock::time_point time) const noexcept {
  return static_cast<std::uint64_t>((time - start_) / tick) + 1;
}

std::chrono::milliseconds Deadlines::sleep(std::chrono::milliseconds longest) {
  if (std::exchange(busy_, false)) return tick;
  const auto most = std::min<std::uint64_t>(static_cast<std::uint64_t>(longest / tick), slot_count - 1);
  std::uint64_t ticks = 1;
  while (ticks < most && slots_[(now_ + ticks) % slot_count].empty()) ++ticks;
  asleep_ = ticks > 1;
  return ticks * tick;
}

void Deadlines::rouse() {
  asleep_ = false;
  time_ = std::chrono::steady_clock::now();
  present_ = tick_at(time_);
  if (woken_) woken_();
}

void Deadlines::queue(Deadline& deadline) {
  if (deadline.is_linked()) deadline.unlink();
  // What lies beyond the wheel waits in its last slot and is queued again from there.
  deadline.queued_ = std::min(deadline.at_, now_ + slot_count - 1);
  slots_[deadline.queued_ % slot_count].push_back(deadline);
}

void Deadlines::advance(std::chrono::steady_clock::time_point now) {
  asleep_ = false;
  time_ = now;
  const std::uint64_t target = tick_at(now);
  while (now_ < target) {
    present_ = ++now_;
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
