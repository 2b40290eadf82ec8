// H2FrameScanner: finds the frame headers in the bytes of a client, for what nghttp2 does not tell. Pure; the bytes are
// attacker controlled, any split of them gives the same answers.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace proxy {

class H2FrameScanner {
 public:
  static constexpr std::size_t head_size = 9;  // RFC 9113 §4.1
  struct Head {
    std::uint8_t type = 0;
    std::int32_t stream = 0;
  };
  // Takes bytes from `rest` to the end of the next frame header; none: all were taken. The first 24 are the preface.
  [[nodiscard]] std::optional<Head> next(std::span<const char>& rest) noexcept;

 private:
  std::size_t skip_ = 24;  // of the preface or the frame
  std::array<std::uint8_t, head_size> head_{};
  std::size_t have_ = 0;
};

}  // namespace proxy
