#include "base/log.h"

#include <unistd.h>

#include <atomic>
#include <chrono>

#include <fmt/chrono.h>
#include <nlohmann/json.hpp>

#include "base/json.h"

namespace base::log {
namespace {

std::atomic<Format> format_in_force{Format::text};
std::atomic<Level> least_level{Level::info};

std::string_view name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
  }
  return "error";
}

std::string timestamp() {
  const auto now = std::chrono::system_clock::now();
  const auto milliseconds =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch()).count() % 1000;
  return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(now)),
                     milliseconds);
}

// A line of text must stay one line, whatever a stranger put into a field.
void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
}

std::string as_text(Level level, std::string_view message, std::initializer_list<Field> fields) {
  std::string line = fmt::format("{} {:<7} ", timestamp(), name(level));
  append_escaped(line, message);
  for (const Field& field : fields) {
    line += fmt::format(" {}=", field.key);
    append_escaped(line, field.value);
  }
  return line;
}

std::string as_json(Level level, std::string_view message, std::initializer_list<Field> fields) {
  nlohmann::ordered_json line{{"time", timestamp()}, {"level", name(level)}, {"message", message}};
  for (const Field& field : fields) line[std::string(field.key)] = field.value;
  return json_line(line);
}

}  // namespace

void set_format(Format format) noexcept {
  format_in_force = format;
}
void set_level(Level least) noexcept {
  least_level = least;
}

void write(Level level, std::string_view message, std::initializer_list<Field> fields) {
  if (level < least_level.load()) return;
  std::string line =
      format_in_force.load() == Format::json ? as_json(level, message, fields) : as_text(level, message, fields);
  line += '\n';
  // One write a line, so that lines of several threads do not mix. A log that cannot be written is lost, not fatal.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

}  // namespace base::log
