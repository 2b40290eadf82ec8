// Texts that are taken a line at a time.
#pragma once

#include <string_view>

namespace test {

// What stands before the next newline, or the rest; `text` goes on behind it.
inline std::string_view next_line(std::string_view& text) {
  const std::size_t end = text.find('\n');
  const std::string_view line = text.substr(0, end);
  text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
  return line;
}

}  // namespace test
