#include "app/table.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>

namespace app {
namespace {

std::string_view escape_of(Tone tone) {
  switch (tone) {
    case Tone::plain:
      return "";
    case Tone::good:
      return "\x1b[32m";
    case Tone::bad:
      return "\x1b[31m";
    case Tone::dim:
      return "\x1b[2m";
  }
  return "";
}

// A control character in a name must not reach the terminal.
std::string printable(std::string text) {
  std::ranges::replace_if(text, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }, '?');
  return text.empty() ? "-" : text;
}

std::size_t columns_of(std::string_view text) {  // UTF-8: every byte but continuation bytes
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

void append(std::string& out, const std::string& text, std::size_t width) {
  out += text;
  const std::size_t used = columns_of(text);
  if (used < width) out.append(width - used, ' ');
}

}  // namespace

Colour colour_of_standard_output() {
  const char* const unwanted = std::getenv("NO_COLOR");
  return ::isatty(STDOUT_FILENO) == 1 && (unwanted == nullptr || *unwanted == '\0') ? Colour::on : Colour::off;
}

std::string Table::render(Colour colour) const {
  std::vector<std::size_t> widths;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    std::size_t width = columns_of(columns_[i]);
    for (const auto& row : rows_) width = std::max(width, columns_of(printable(row[i].text)));
    widths.push_back(width + 2);
  }
  widths.back() = 0;  // nothing behind the last column

  std::string out;
  if (colour == Colour::on) out += "\x1b[1m";
  for (std::size_t i = 0; i < columns_.size(); ++i) append(out, columns_[i], widths[i]);
  if (colour == Colour::on) out += "\x1b[0m";
  out += '\n';
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const bool coloured = colour == Colour::on && row[i].tone != Tone::plain;
      if (coloured) out += escape_of(row[i].tone);
      append(out, printable(row[i].text), widths[i]);
      if (coloured) out += "\x1b[0m";
    }
    out += '\n';
  }
  return out;
}

}  // namespace app
