#include "config/utf8.h"

#include <cstdint>

namespace config {
namespace {

struct Sequence {
  std::size_t length = 0;     // 0: not a first byte
  std::uint8_t least = 0x80;  // of the second byte
  std::uint8_t most = 0xbf;
};

// RFC 3629 §4: UTF8-2 = %xC2-DF UTF8-tail, UTF8-3 = %xE0 %xA0-BF UTF8-tail / ... / %xED %x80-9F UTF8-tail / ...
Sequence sequence_of(std::uint8_t first) {
  if (first < 0x80) return {1};
  if (first >= 0xc2 && first <= 0xdf) return {2};
  if (first == 0xe0) return {3, 0xa0, 0xbf};
  if (first == 0xed) return {3, 0x80, 0x9f};
  if (first >= 0xe1 && first <= 0xef) return {3};
  if (first == 0xf0) return {4, 0x90, 0xbf};
  if (first >= 0xf1 && first <= 0xf3) return {4};
  if (first == 0xf4) return {4, 0x80, 0x8f};
  return {};
}

bool is_tail(std::uint8_t byte) {
  return byte >= 0x80 && byte <= 0xbf;
}

}  // namespace

std::optional<std::size_t> first_not_text(std::string_view text) {
  const auto byte = [text](std::size_t at) { return static_cast<std::uint8_t>(text[at]); };
  for (std::size_t at = 0; at < text.size();) {
    const std::uint8_t first = byte(at);
    if ((first < 0x20 && first != '\t' && first != '\n' && first != '\r') || first == 0x7f) return at;
    const Sequence sequence = sequence_of(first);
    if (sequence.length == 0 || at + sequence.length > text.size()) return at;
    if (sequence.length > 1 && (byte(at + 1) < sequence.least || byte(at + 1) > sequence.most)) return at;
    for (std::size_t tail = 2; tail < sequence.length; ++tail) {
      if (!is_tail(byte(at + tail))) return at;
    }
    at += sequence.length;
  }
  return std::nullopt;
}

}  // namespace config
