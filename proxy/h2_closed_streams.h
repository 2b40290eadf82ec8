// H2ClosedStreams: how the newest streams of a client ended, to tell what must be ignored on a closed stream from what
// breaks the protocol (RFC 9113 §5.1). Bounded; what has been forgotten is ignored. Pure.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace proxy {

class H2ClosedStreams {
 public:
  enum class How : std::uint8_t {
    unknown,       // too long ago
    reset_by_us,   // frames that the client sent before it knew may still come
    ended,         // by the client's own END_STREAM or RST_STREAM: nothing may follow
    never_opened,  // skipped by the client, which closes it (RFC 9113 §5.1.1)
  };

  void add(std::int32_t id, How how) noexcept;
  // Of a stream that is not open and not newer than the newest one.
  [[nodiscard]] How find(std::int32_t id) const noexcept;

 private:
  struct Entry {
    std::int32_t id = 0;
    How how = How::unknown;
  };
  std::array<Entry, 64> entries_{};
  std::size_t next_ = 0;
  std::int32_t forgotten_ = 0;  // the greatest id that was overwritten
};

}  // namespace proxy
