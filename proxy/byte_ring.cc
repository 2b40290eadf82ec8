#include "proxy/byte_ring.h"

#include <algorithm>
#include <cstring>

namespace proxy {

ByteRing::ByteRing(std::size_t capacity)
    : capacity_(capacity), bytes_(std::make_unique_for_overwrite<char[]>(capacity)) {}

bool ByteRing::push(std::string_view record) noexcept {
  const std::size_t head = head_.load(std::memory_order_relaxed);
  if (record.size() > capacity_ - (head - tail_.load(std::memory_order_acquire))) return false;
  const std::size_t at = head & (capacity_ - 1);
  const std::size_t first = std::min(record.size(), capacity_ - at);
  std::memcpy(bytes_.get() + at, record.data(), first);
  std::memcpy(bytes_.get(), record.data() + first, record.size() - first);
  // Sequentially consistent: the writer looks next whether the reader sleeps, and must not look before this is seen.
  head_.store(head + record.size(), std::memory_order_seq_cst);
  return true;
}

std::size_t ByteRing::size() const noexcept {
  const std::size_t tail = tail_.load(std::memory_order_acquire);
  return head_.load(std::memory_order_seq_cst) - tail;
}

std::pair<std::string_view, std::string_view> ByteRing::peek() const noexcept {
  const std::size_t tail = tail_.load(std::memory_order_relaxed);
  const std::size_t there = head_.load(std::memory_order_seq_cst) - tail;
  const std::size_t at = tail & (capacity_ - 1);
  const std::size_t first = std::min(there, capacity_ - at);
  return {{bytes_.get() + at, first}, {bytes_.get(), there - first}};
}

void ByteRing::pop(std::size_t bytes) noexcept {
  tail_.store(tail_.load(std::memory_order_relaxed) + bytes, std::memory_order_release);
}

}  // namespace proxy
