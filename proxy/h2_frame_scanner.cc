#include "proxy/h2_frame_scanner.h"

#include <algorithm>

namespace proxy {

std::optional<H2FrameScanner::Head> H2FrameScanner::next(std::span<const char>& rest) noexcept {
  const std::size_t skipped = std::min(skip_, rest.size());
  skip_ -= skipped;
  rest = rest.subspan(skipped);
  while (have_ < head_size && !rest.empty()) {
    head_[have_++] = static_cast<std::uint8_t>(rest.front());
    rest = rest.subspan(1);
  }
  if (have_ < head_size) return std::nullopt;
  have_ = 0;
  skip_ = std::size_t{head_[0]} << 16 | std::size_t{head_[1]} << 8 | head_[2];
  const std::uint32_t stream =
      (head_[5] & 0x7fU) << 24 | std::uint32_t{head_[6]} << 16 | std::uint32_t{head_[7]} << 8 | head_[8];
  return Head{head_[3], static_cast<std::int32_t>(stream)};
}

}  // namespace proxy
