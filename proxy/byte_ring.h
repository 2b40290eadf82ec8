// ByteRing: bytes from one thread to another, without locks. One writer, one reader; records go in whole or not at all.
#pragma once

#include <atomic>
#include <cstddef>
#include <memory>
#include <span>
#include <string_view>
#include <utility>

namespace proxy {

class ByteRing {
 public:
  // `capacity` is a power of two.
  explicit ByteRing(std::size_t capacity);

  // ---- From the writing thread. False, and nothing is taken, if there is no room.
  [[nodiscard]] bool push(std::string_view record) noexcept;
  [[nodiscard]] std::size_t capacity() const noexcept { return capacity_; }
  // Of either thread; what the other one does meanwhile may not be in it yet.
  [[nodiscard]] std::size_t size() const noexcept;

  // ---- From the reading thread. What is there, in two pieces (the second is empty unless it wraps), valid until
  // pop().
  [[nodiscard]] std::pair<std::string_view, std::string_view> peek() const noexcept;
  void pop(std::size_t bytes) noexcept;

 private:
  std::size_t capacity_;
  std::unique_ptr<char[]> bytes_;
  // Apart, so that the two threads do not fight over one cache line.
  alignas(64) std::atomic<std::size_t> head_{0};  // written so far
  alignas(64) std::atomic<std::size_t> tail_{0};  // read so far
};

}  // namespace proxy
