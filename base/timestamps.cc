#include "base/timestamps.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

#include <fmt/format.h>

namespace base {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using std::chrono::sys_days;

constexpr std::array<std::string_view, 12> months{"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
constexpr int first_year = 1700;  // 64 bits of nanoseconds reach from 1677 to 2262
constexpr int last_year = 2261;

// Takes what it expects from the front of a text; once something was not there, everything after fails too.
class Scanner {
 public:
  explicit Scanner(std::string_view rest) : rest_(rest) {}

  unsigned number(std::size_t digits) {
    if (rest_.size() < digits) return wrong();
    unsigned value = 0;
    for (const char c : rest_.substr(0, digits)) {
      if (c < '0' || c > '9') return wrong();
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    rest_.remove_prefix(digits);
    return value;
  }
  void literal(std::string_view text) {
    if (!skip(text)) good_ = false;
  }
  // Any of `characters`, in either case of letters.
  char one_of(std::string_view characters) {
    if (rest_.empty() || characters.find(rest_.front()) == std::string_view::npos) {
      good_ = false;
      return '\0';
    }
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }
  bool skip(std::string_view text) {
    if (!rest_.starts_with(text)) return false;
    rest_.remove_prefix(text.size());
    return true;
  }
  unsigned month() {
    const auto* const found = std::ranges::find(months, rest_.substr(0, 3));
    if (found == months.end()) return wrong();
    rest_.remove_prefix(3);
    return static_cast<unsigned>(found - months.begin()) + 1;
  }
  // Behind the point: nanoseconds, of which further digits are dropped.
  std::int64_t fraction() {
    std::int64_t value = 0;
    std::size_t digits = 0;
    for (; !rest_.empty() && rest_.front() >= '0' && rest_.front() <= '9'; rest_.remove_prefix(1), ++digits) {
      if (digits < 9) value = value * 10 + (rest_.front() - '0');
    }
    if (digits == 0) good_ = false;
    for (; digits < 9; ++digits) value *= 10;
    return value;
  }
  void until(char c) {
    const auto at = rest_.find(c);
    good_ = good_ && at != std::string_view::npos;
    rest_.remove_prefix(at == std::string_view::npos ? rest_.size() : at + 1);
  }
  [[nodiscard]] bool done() const { return good_ && rest_.empty(); }
  [[nodiscard]] bool good() const { return good_; }

 private:
  unsigned wrong() {
    good_ = false;
    return 0;
  }

  std::string_view rest_;
  bool good_ = true;
};

struct Parts {
  unsigned year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0;
};

void read_time(Scanner& scanner, Parts& parts) {
  parts.hour = scanner.number(2);
  scanner.literal(":");
  parts.minute = scanner.number(2);
  scanner.literal(":");
  parts.second = scanner.number(2);
}

std::optional<SystemTime> time_of(const Parts& parts) {
  using std::chrono::day;
  using std::chrono::month;
  using std::chrono::year;
  const auto date = year(static_cast<int>(parts.year)) / month(parts.month) / day(parts.day);
  if (!date.ok() || parts.hour > 23 || parts.minute > 59 || parts.second > 60) return std::nullopt;
  const auto in_day = hours(parts.hour) + minutes(parts.minute) + seconds(std::min(parts.second, 59U));
  if (static_cast<int>(date.year()) < first_year) return SystemTime(sys_days(year(first_year) / 1 / 1));
  if (static_cast<int>(date.year()) > last_year) return SystemTime(sys_days(year(last_year) / 12 / 31));
  return SystemTime(sys_days(date)) + in_day;
}

// "06 Nov 1994 08:49:37 GMT"
std::optional<SystemTime> fixed_date(Scanner scanner) {
  Parts parts;
  parts.day = scanner.number(2);
  scanner.literal(" ");
  parts.month = scanner.month();
  scanner.literal(" ");
  parts.year = scanner.number(4);
  scanner.literal(" ");
  read_time(scanner, parts);
  scanner.literal(" GMT");
  return scanner.done() ? time_of(parts) : std::nullopt;
}

// "06-Nov-94 08:49:37 GMT"
std::optional<SystemTime> rfc850_date(Scanner scanner, SystemTime now) {
  Parts parts;
  parts.day = scanner.number(2);
  scanner.literal("-");
  parts.month = scanner.month();
  scanner.literal("-");
  const unsigned in_century = scanner.number(2);
  scanner.literal(" ");
  read_time(scanner, parts);
  scanner.literal(" GMT");
  const std::chrono::year_month_day today(std::chrono::floor<days>(now));
  const auto this_year = static_cast<unsigned>(static_cast<int>(today.year()));
  parts.year = this_year / 100 * 100 + in_century;
  if (parts.year > this_year + 50) parts.year -= 100;
  return scanner.done() ? time_of(parts) : std::nullopt;
}

// "Nov  6 08:49:37 1994"
std::optional<SystemTime> asctime_date(Scanner scanner) {
  Parts parts;
  parts.month = scanner.month();
  scanner.literal(" ");
  parts.day = scanner.skip(" ") ? scanner.number(1) : scanner.number(2);
  scanner.literal(" ");
  read_time(scanner, parts);
  scanner.literal(" ");
  parts.year = scanner.number(4);
  return scanner.done() ? time_of(parts) : std::nullopt;
}

}  // namespace

std::optional<SystemTime> parse_rfc3339(std::string_view text) {
  Scanner scanner(text);
  Parts parts;
  parts.year = scanner.number(4);
  scanner.literal("-");
  parts.month = scanner.number(2);
  scanner.literal("-");
  parts.day = scanner.number(2);
  scanner.one_of("Tt ");  // RFC 3339 §5.6 lets a space stand for the T
  read_time(scanner, parts);
  const std::int64_t nanoseconds = scanner.skip(".") ? scanner.fraction() : 0;
  const char sign = scanner.one_of("Zz+-");
  minutes offset{0};
  if (sign == '+' || sign == '-') {
    const unsigned hour = scanner.number(2);
    scanner.literal(":");
    const unsigned minute = scanner.number(2);
    if (hour > 23 || minute > 59) return std::nullopt;
    offset = hours(hour) + minutes(minute);
  }
  if (!scanner.done()) return std::nullopt;
  const auto local = time_of(parts);
  if (!local) return std::nullopt;
  return *local + std::chrono::nanoseconds(nanoseconds) - (sign == '-' ? -offset : offset);
}

std::string to_rfc3339(SystemTime time) {
  const auto day = std::chrono::floor<days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(std::chrono::floor<seconds>(time - day));
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), clock.hours().count(),
                     clock.minutes().count(), clock.seconds().count());
}

std::optional<SystemTime> parse_http_date(std::string_view text, SystemTime now) {
  Scanner named(text);
  named.until(' ');
  if (!named.good()) return std::nullopt;
  if (const auto fixed = fixed_date(named)) return fixed;
  if (const auto old = rfc850_date(named, now)) return old;
  return asctime_date(named);
}

}  // namespace base
