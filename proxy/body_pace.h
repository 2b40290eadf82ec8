// BodyPace: how long a client that sends a body may still be waited for. Pure; one for each body.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>

namespace proxy {

// Waiting uses up the client's credit, bytes earn it back at the least rate that is accepted, never above what it began
// with. So the average counts and not the pieces: a pause is forgiven, a byte every few seconds is not.
class BodyPace {
 public:
  // `least_rate` in bytes a second; 0: every wait may take the whole of `patience`.
  BodyPace(std::chrono::milliseconds patience, std::uint64_t least_rate) noexcept
      : patience_(patience), left_(patience), least_rate_(least_rate) {}

  // Of the next wait; at least a millisecond.
  [[nodiscard]] std::chrono::milliseconds left() const noexcept {
    if (patience_ <= patience_.zero()) return patience_;
    return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(left_), std::chrono::milliseconds(1));
  }

  void waited(std::chrono::nanoseconds time, std::uint64_t bytes) noexcept {
    if (least_rate_ == 0) return;
    // More than this in one wait is as good as a full purse, and cannot overflow.
    const std::uint64_t counted = std::min<std::uint64_t>(bytes, std::uint64_t{1} << 30U);
    const auto earned = std::chrono::nanoseconds(counted * 1'000'000'000U / least_rate_);
    left_ = std::min<std::chrono::nanoseconds>(patience_, left_ - time + earned);
  }

 private:
  std::chrono::milliseconds patience_;
  std::chrono::nanoseconds left_;
  std::uint64_t least_rate_;
};

}  // namespace proxy
