// LogDescriptor: writes to a descriptor of somebody else (standard output) without ever being held up by who reads it,
// and without changing its flags, which other processes may share.
#pragma once

#include <cstddef>
#include <string_view>

namespace proxy {

class LogDescriptor {
 public:
  explicit LogDescriptor(int descriptor);
  ~LogDescriptor();
  LogDescriptor(const LogDescriptor&) = delete;
  LogDescriptor& operator=(const LogDescriptor&) = delete;

  // Writes what is taken at once of both pieces, and returns how much; 0: the reader is slow, or the descriptor is
  // broken. SIGPIPE must be blocked or ignored in this thread.
  [[nodiscard]] std::size_t write(std::string_view first, std::string_view second) noexcept;
  // For poll().
  [[nodiscard]] int native() const noexcept { return own_ >= 0 ? own_ : descriptor_; }

 private:
  enum class Kind { file, own, socket, pipe };
  int descriptor_;
  int own_ = -1;  // a second, non-blocking opening of the same pipe or terminal
  Kind kind_ = Kind::pipe;
};

}  // namespace proxy
