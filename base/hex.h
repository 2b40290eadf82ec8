// Bytes as lower-case hexadecimal digits.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace base {

inline constexpr std::string_view hex_digits = "0123456789abcdef";

inline void append_hex(std::string& out, std::span<const unsigned char> bytes) {
  for (const unsigned char byte : bytes) {
    out += hex_digits[byte >> 4U];
    out += hex_digits[byte & 0xfU];
  }
}

[[nodiscard]] inline std::string to_hex(std::span<const unsigned char> bytes) {
  std::string text;
  text.reserve(2 * bytes.size());
  append_hex(text, bytes);
  return text;
}

}  // namespace base
