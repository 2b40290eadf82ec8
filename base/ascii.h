// Letters as protocols compare them: ASCII only, whatever the locale.
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

}  // namespace base
