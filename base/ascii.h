// Letters and blanks as protocols see them: ASCII only, whatever the locale.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

namespace base {

[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

inline void copy_eight_lower(char* to, const char* from) noexcept {
  constexpr std::uint64_t each = 0x0101010101010101;
  std::uint64_t letters = 0;
  std::memcpy(&letters, from, 8);
  const std::uint64_t low = letters & (0x7f * each);
  const std::uint64_t from_a = low + (0x80 - 'A') * each;       // top bit: not before 'A'
  const std::uint64_t after_z = low + (0x80 - 'Z' - 1) * each;  // top bit: after 'Z'
  letters |= ((from_a ^ after_z) & ~letters & (0x80 * each)) >> 2U;
  std::memcpy(to, &letters, 8);
}

// Eight letters at a time, the last eight perhaps a second time. `to` has room for all, and may be where they are.
inline void copy_lower(char* to, std::string_view from) noexcept {
  if (from.size() < 8) {
    for (std::size_t i = 0; i < from.size(); ++i) to[i] = lower(from[i]);
    return;
  }
  for (std::size_t done = 0; done + 8 <= from.size(); done += 8) copy_eight_lower(to + done, from.data() + done);
  copy_eight_lower(to + from.size() - 8, from.data() + from.size() - 8);
}

inline void make_lower(std::string& text) noexcept {
  copy_lower(text.data(), text);
}

inline void append_lower(std::string& to, std::string_view text) {
  const std::size_t before = to.size();
  to.resize(before + text.size());
  copy_lower(to.data() + before, text);
}

[[nodiscard]] inline std::string lower_case(std::string_view text) {
  std::string result(text);
  make_lower(result);
  return result;
}

inline constexpr std::string_view blanks = " \t\r\n";

// Without what of `characters` stands at its end, or at both ends.
[[nodiscard]] constexpr std::string_view trimmed_end(std::string_view text, std::string_view characters = blanks) {
  return text.substr(0, text.find_last_not_of(characters) + 1);
}
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text, std::string_view characters = blanks) {
  const std::string_view kept = trimmed_end(text, characters);
  return kept.substr(kept.empty() ? 0 : kept.find_first_not_of(characters));
}

}  // namespace base
