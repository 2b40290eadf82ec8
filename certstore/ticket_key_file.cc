#include "certstore/ticket_key_file.h"

#include <charconv>
#include <cstdint>
#include <limits>
#include <span>

#include "base/hex.h"

namespace certstore {
namespace {

constexpr std::string_view first_line = "sekisho ticket keys 1";
constexpr std::size_t most_keys = 3;

void append_bytes(std::string& out, std::span<const std::uint8_t> bytes) {
  base::append_hex(out, bytes);
  out += ' ';
}

// Takes what comes before `end` off the front of `text`.
std::string_view take_until(std::string_view& text, char end) {
  const std::size_t at = text.find(end);
  const std::string_view front = text.substr(0, at);
  text.remove_prefix(at == std::string_view::npos ? text.size() : at + 1);
  return front;
}

bool read_hex(std::string_view& text, std::span<std::uint8_t> bytes) {
  const std::string_view hex = take_until(text, ' ');
  if (hex.size() != 2 * bytes.size()) return false;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const std::size_t high = base::hex_digits.find(hex[2 * i]);
    const std::size_t low = base::hex_digits.find(hex[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return false;
    bytes[i] = static_cast<std::uint8_t>(high << 4U | low);
  }
  return true;
}

bool read_key(std::string_view line, TicketKey& key) {
  std::int64_t seconds = 0;
  if (!read_hex(line, key.name) || !read_hex(line, key.aes) || !read_hex(line, key.hmac)) return false;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), seconds);
  constexpr std::int64_t furthest = std::numeric_limits<std::int64_t>::max() / 1'000'000'000 / 2;
  if (error != std::errc{} || end != line.data() + line.size() || seconds < 0 || seconds > furthest) return false;
  key.from = base::SystemTime(std::chrono::seconds(seconds));
  return true;
}

}  // namespace

std::string write_ticket_keys(const TicketKeySet& set) {
  std::string text;
  text.reserve(1024);  // no reallocation that would leave a copy behind
  text.append(first_line) += '\n';
  for (const TicketKey& key : set.keys) {
    append_bytes(text, key.name);
    append_bytes(text, key.aes);
    append_bytes(text, key.hmac);
    text += std::to_string(std::chrono::floor<std::chrono::seconds>(key.from).time_since_epoch().count()) + '\n';
  }
  return text;
}

base::Result<TicketKeySet> read_ticket_keys(std::string_view text) {
  TicketKeySet set;
  set.keys.reserve(most_keys);
  if (take_until(text, '\n') != first_line) return base::fail(base::Code::invalid, "is no file of ticket keys");
  while (!text.empty()) {
    if (set.keys.size() == most_keys || !read_key(take_until(text, '\n'), set.keys.emplace_back()) ||
        (set.keys.size() > 1 && set.keys.back().from >= set.keys[set.keys.size() - 2].from)) {
      return base::fail(base::Code::invalid, "line " + std::to_string(set.keys.size() + 1) + " is damaged");
    }
  }
  if (set.keys.empty()) return base::fail(base::Code::invalid, "holds no keys");
  return set;
}

}  // namespace certstore
