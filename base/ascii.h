// Letters and blanks as protocols see them: ASCII only, whatever the locale.
#pragma once

#include <string>
#include <string_view>

namespace base {

[[nodiscard]] constexpr char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

inline void make_lower(std::string& text) noexcept {
  for (char& c : text) c = lower(c);
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
