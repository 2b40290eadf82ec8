#include "certstore/pem_block.h"

#include <array>
#include <cstdint>
#include <utility>

namespace certstore {
namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
constexpr std::string_view dashes = "-----";
constexpr std::size_t line_length = 64;
constexpr std::uint8_t no_digit = 0xff;

constexpr std::array<std::uint8_t, 256> digits = [] {
  std::array<std::uint8_t, 256> table{};
  table.fill(no_digit);
  std::uint8_t value = 0;
  for (const char c : std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"))
    table[static_cast<unsigned char>(c)] = value++;
  return table;
}();

std::string_view take_line(std::string_view& rest) {
  const std::size_t end = rest.find('\n');
  std::string_view line = rest.substr(0, end);
  rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// The label of a line "-----BEGIN label-----".
std::optional<std::string_view> label_of(std::string_view line, std::string_view mark) {
  if (!line.starts_with(mark) || !line.ends_with(dashes) || line.size() <= mark.size() + dashes.size())
    return std::nullopt;
  return line.substr(mark.size(), line.size() - mark.size() - dashes.size());
}

// Four digits for three bytes; one or two of them may be left out at the end of the last line.
bool decode(std::string_view line, std::uint8_t*& out, bool& padded) {
  if (line.empty() || line.size() > line_length || line.size() % 4 != 0) return false;
  std::string_view text = line;
  while (text.ends_with('=') && line.size() - text.size() < 2) text.remove_suffix(1);
  padded = text.size() != line.size();
  std::uint32_t bits = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::uint8_t digit = digits[static_cast<unsigned char>(text[i])];
    if (digit == no_digit) return false;
    bits = bits << 6U | digit;
    if (i % 4 == 0) continue;
    *out++ = static_cast<std::uint8_t>(bits >> (6U - 2U * (i % 4)));
  }
  return true;
}

// Steps over the block's lines and its end. What was decoded of a block that is none is wiped with `bytes`.
bool take_body(std::string_view& rest, std::string_view label, SecretBytes& bytes) {
  bytes.resize(rest.substr(0, rest.find('-')).size() / 4 * 3 + 3);
  std::uint8_t* out = bytes.data();
  bool last = false;
  while (!rest.empty()) {
    const std::string_view line = take_line(rest);
    if (const auto end = label_of(line, end_mark)) {
      bytes.resize(static_cast<std::size_t>(out - bytes.data()));
      return *end == label && !bytes.empty();
    }
    bool padded = false;
    if (last || !decode(line, out, padded)) return false;
    last = padded || line.size() < line_length;
  }
  return false;
}

}  // namespace

std::optional<std::vector<PemBlock>> strict_blocks(std::string_view text, std::size_t most) {
  std::vector<PemBlock> blocks;
  while (!text.empty()) {
    const std::string_view line = take_line(text);
    if (line.empty()) continue;
    const auto label = label_of(line, begin_mark);
    if (!label || blocks.size() == most) return std::nullopt;
    PemBlock& block = blocks.emplace_back(PemBlock{*label, {}});
    if (!take_body(text, *label, block.bytes)) return std::nullopt;
  }
  return blocks;
}

}  // namespace certstore
