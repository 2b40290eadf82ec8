#include "proxy/access_line.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <ctime>

namespace proxy {
namespace {

// A client's text in the log is cut here.
constexpr std::size_t longest_text = 4096;

constexpr std::string_view replacement_character = "\xef\xbf\xbd";

// Whether one of eight bytes needs a closer look: a control, '"', '\\', DEL or anything that is not ASCII.
bool is_special8(const char* text) noexcept {
  constexpr std::uint64_t ones = 0x0101010101010101;
  constexpr std::uint64_t highs = 0x8080808080808080;
  std::uint64_t word = 0;
  std::memcpy(&word, text, sizeof word);
  const auto has_zero = [](std::uint64_t bytes) { return (bytes - ones) & ~bytes & highs; };
  return ((word | (word - ones * 0x20) | has_zero(word ^ ones * '"') | has_zero(word ^ ones * '\\') |
           has_zero(word ^ ones * 0x7f)) &
          highs) != 0;
}

bool is_special(unsigned char c) noexcept {
  return c < 0x20 || c == '"' || c == '\\' || c >= 0x7f;
}

// The size of the UTF-8 sequence that `text` begins with, 0 if it is none (RFC 3629 §4: no overlong forms, no
// surrogates, nothing above U+10FFFF). The first byte is above 0x7f.
std::size_t utf8_size(std::string_view text) noexcept {
  const auto at = [text](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U; };
  const auto follows = [&at](std::size_t i) { return (at(i) & 0xc0U) == 0x80; };
  const unsigned first = at(0);
  const unsigned second = at(1);
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f)) return 0;
    return follows(1) && follows(2) ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    if ((first == 0xf0 && second < 0x90) || (first == 0xf4 && second > 0x8f)) return 0;
    return follows(1) && follows(2) && follows(3) ? 4 : 0;
  }
  return 0;
}

// RFC 8259 §7.
void append_escaped(std::string& out, std::string_view text) {
  text = text.substr(0, longest_text);
  while (!text.empty()) {
    std::size_t plain = 0;
    while (plain + 8 <= text.size() && !is_special8(text.data() + plain)) plain += 8;
    while (plain < text.size() && !is_special(static_cast<unsigned char>(text[plain]))) ++plain;
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) return;
    const auto c = static_cast<unsigned char>(text.front());
    std::size_t taken = 1;
    if (c == '"' || c == '\\') {
      out.append(1, '\\').append(1, static_cast<char>(c));
    } else if (c < 0x80) {
      out.append("\\u00").append(1, "0123456789abcdef"[c >> 4U]).append(1, "0123456789abcdef"[c & 0xfU]);
    } else if (const std::size_t size = utf8_size(text); size > 0) {
      out.append(text.substr(0, size));
      taken = size;
    } else {
      out.append(replacement_character);
    }
    text.remove_prefix(taken);
  }
}

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  out.append(digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr);
}

// As milliseconds with three decimals: "12.345".
void append_milliseconds(std::string& out, std::chrono::nanoseconds duration) {
  const auto count = std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
  const auto micros = static_cast<std::uint64_t>(std::max<std::int64_t>(count, 0));
  append_number(out, micros / 1000);
  const std::uint64_t rest = micros % 1000;
  out.append(1, '.').append(1, static_cast<char>('0' + rest / 100));
  out.append(1, static_cast<char>('0' + rest / 10 % 10)).append(1, static_cast<char>('0' + rest % 10));
}

// "2026-11-22T02:16:28.123Z" (RFC 3339). The second is formatted once, not for each line.
void append_time(std::string& out, std::chrono::system_clock::time_point at) {
  struct Second {
    std::time_t value = -1;
    std::array<char, 32> text{};
    std::size_t size = 0;
  };
  thread_local Second cached;
  const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(at).time_since_epoch().count();
  const std::time_t second = milliseconds >= 0 ? milliseconds / 1000 : 0;
  if (second != cached.value) {
    std::tm parts{};
    ::gmtime_r(&second, &parts);
    cached.size = std::strftime(cached.text.data(), cached.text.size(), "%Y-%m-%dT%H:%M:%S.", &parts);
    cached.value = second;
  }
  const auto rest = static_cast<unsigned>(milliseconds >= 0 ? milliseconds % 1000 : 0);
  out.append(cached.text.data(), cached.size).append(1, static_cast<char>('0' + rest / 100));
  out.append(1, static_cast<char>('0' + rest / 10 % 10)).append(1, static_cast<char>('0' + rest % 10)).append(1, 'Z');
}

// `key` with its comma, quotes and colon, as in `,"host":`.
void append_member(std::string& out, std::string_view key, std::string_view value) {
  out.append(key).append(1, '"');
  append_escaped(out, value);
  out.append(1, '"');
}

void append_member(std::string& out, std::string_view key, std::uint64_t value) {
  out.append(key);
  append_number(out, value);
}

void append_member(std::string& out, std::string_view key, std::chrono::nanoseconds value) {
  out.append(key);
  append_milliseconds(out, value);
}

// A word of the text format: never empty and without spaces, so that the columns stay, whatever a client calls itself.
void append_word(std::string& out, std::string_view value) {
  out += ' ';
  if (value.empty()) {
    out += '-';
    return;
  }
  value = value.substr(0, longest_text);
  for (;;) {
    const std::size_t space = value.find(' ');
    append_escaped(out, value.substr(0, space));
    if (space == std::string_view::npos) return;
    out += "\\u0020";
    value.remove_prefix(space + 1);
  }
}

}  // namespace

void append_json(std::string& out, const AccessRecord& record) {
  out += R"({"time":")";
  append_time(out, record.at);
  out += '"';
  append_member(out, R"(,"request_id":)", record.request_id);
  append_member(out, R"(,"client":)", record.client);
  append_member(out, R"(,"method":)", record.method);
  append_member(out, R"(,"host":)", record.host);
  append_member(out, R"(,"path":)", record.target);
  append_member(out, R"(,"protocol":)", record.protocol);
  append_member(out, R"(,"route":)", record.route);
  append_member(out, R"(,"backend":)", record.backend);
  append_member(out, R"(,"endpoint":)", record.endpoint);
  append_member(out, R"(,"status":)", std::uint64_t{record.status});
  append_member(out, R"(,"bytes_in":)", record.bytes_in);
  append_member(out, R"(,"bytes_out":)", record.bytes_out);
  append_member(out, R"(,"handshake_ms":)", record.handshake);
  append_member(out, R"(,"queue_ms":)", record.queue);
  append_member(out, R"(,"connect_ms":)", record.connect);
  append_member(out, R"(,"first_byte_ms":)", record.first_byte);
  append_member(out, R"(,"total_ms":)", record.total);
  append_member(out, R"(,"tls_version":)", record.tls_version);
  out += record.tls_resumed ? R"(,"tls_resumed":true)" : R"(,"tls_resumed":false)";
  append_member(out, R"(,"sni":)", record.server_name);
  append_member(out, R"(,"attempts":)", std::uint64_t{record.attempts});
  append_member(out, R"(,"outcome":)", record.outcome);
  append_member(out, R"(,"user_agent":)", record.user_agent);
  append_member(out, R"(,"referer":)", record.referer);
  append_member(out, R"(,"generation":)", record.generation);
  out += '}';
}

void append_text(std::string& out, const AccessRecord& record) {
  append_time(out, record.at);
  append_word(out, record.client);
  append_word(out, record.host);
  out += " \"";
  append_escaped(out, record.method);
  append_word(out, record.target);
  append_word(out, record.protocol);
  out += "\" ";
  append_number(out, record.status);
  out += ' ';
  append_number(out, record.bytes_out);
  out += ' ';
  append_milliseconds(out, record.total);
  out += "ms";
  append_word(out, record.route);
  append_word(out, record.endpoint);
  append_word(out, record.outcome);
  append_word(out, record.request_id);
  append_member(out, " ", record.referer);
  append_member(out, " ", record.user_agent);
}

}  // namespace proxy
