#include "proxy/h2_budget.h"

#include <algorithm>

#include "proxy/deadline.h"

namespace proxy {
namespace {

constexpr std::uint64_t ticks_per_second = std::chrono::seconds(1) / Deadlines::tick;
// What one read of the socket may bring beside the header block.
constexpr std::size_t slack = 128 << 10;

}  // namespace

bool H2Budget::take(std::uint64_t tick, std::uint32_t tokens) noexcept {
  if (left_ < tokens && tick > filled_at_) {
    const std::uint64_t earned = (tick - filled_at_) * per_second_ / ticks_per_second;
    if (earned > 0) {
      left_ = static_cast<std::uint32_t>(std::min<std::uint64_t>(most_, left_ + earned));
      filled_at_ = tick;
    }
  }
  if (left_ < tokens) return false;
  // Full until now: time that passed before the first token was taken earns nothing.
  if (left_ == most_) filled_at_ = tick;
  left_ -= tokens;
  return true;
}

void H2Budget::give(std::uint32_t tokens) noexcept {
  left_ = std::min(most_, left_ + tokens);
}

bool H2FloodGuard::header_block(std::size_t bytes, std::size_t limit) noexcept {
  header_block_ += bytes;
  return header_block_ <= 4 * limit + slack;
}

}  // namespace proxy
