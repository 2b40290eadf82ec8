#include "base/base32.h"

#include <cstdint>

namespace base {

std::string to_base32_lower(std::string_view bytes) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz234567";
  std::string text;
  text.reserve((bytes.size() * 8 + 4) / 5);
  std::uint32_t held = 0;
  unsigned bits = 0;
  for (const char byte : bytes) {
    held = (held << 8U) | static_cast<unsigned char>(byte);
    bits += 8;
    for (; bits >= 5; bits -= 5) text += letters[(held >> (bits - 5)) & 31U];
  }
  if (bits > 0) text += letters[(held << (5 - bits)) & 31U];
  return text;
}

}  // namespace base
