// H2Budget, H2FloodGuard: how often a client may make us work without asking for anything. Pure but for the tick it is
// given.
#pragma once

#include <cstddef>
#include <cstdint>

namespace proxy {

// A bucket of tokens that fills with time.
class H2Budget {
 public:
  constexpr H2Budget(std::uint32_t most, std::uint32_t per_second) noexcept
      : most_(most), per_second_(per_second), left_(most) {}
  // Takes `tokens`; false if there were not as many. `tick` counts Deadlines::tick.
  [[nodiscard]] bool take(std::uint64_t tick, std::uint32_t tokens = 1) noexcept;
  // Something useful was done for the client: it may do more.
  void give(std::uint32_t tokens) noexcept;
  [[nodiscard]] std::uint32_t left() const noexcept { return left_; }

 private:
  std::uint32_t most_;
  std::uint32_t per_second_;
  std::uint32_t left_;
  std::uint64_t filled_at_ = 0;
};

// What the frames of one connection cost. Each function answers whether that is still bearable; after a false the
// connection is to be ended with ENHANCE_YOUR_CALM.
class H2FloodGuard {
 public:
  // A stream that was reset by the client, or by us because the client broke the rules ("rapid reset").
  [[nodiscard]] bool reset(std::uint64_t tick) noexcept { return resets_.take(tick); }
  // PING, SETTINGS, PRIORITY, frames of unknown types, DATA without bytes: work for us, nothing for anybody.
  [[nodiscard]] bool idle_frame(std::uint64_t tick) noexcept { return idle_frames_.take(tick); }
  [[nodiscard]] bool window_update(std::uint64_t tick) noexcept { return window_updates_.take(tick); }
  // A DATA frame went out, which a client may well answer with window updates for the stream and the connection.
  void data_sent() noexcept { window_updates_.give(4); }
  // `bytes` came while a header block was open and did not end it (CONTINUATION without end); `limit`:
  // Limits::header_size.
  [[nodiscard]] bool header_block(std::size_t bytes, std::size_t limit) noexcept;
  void header_block_ended() noexcept { header_block_ = 0; }

 private:
  H2Budget resets_{200, 50};
  H2Budget idle_frames_{1000, 100};
  H2Budget window_updates_{4000, 400};
  std::size_t header_block_ = 0;
};

}  // namespace proxy
