// The process log: one line an event on standard error, as JSON or text. For the control plane and for rare events of
// the data plane; the access log is elsewhere (proxy/access_log.h). Any thread. Secrets never come here: a field holds
// names, counts, fingerprints and error texts only.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

namespace base::log {

enum class Level { debug, info, warning, error };
enum class Format { json, text };

struct Field {
  std::string_view key;
  std::string value;
};

void set_format(Format format) noexcept;
void set_level(Level least) noexcept;

void write(Level level, std::string_view message, std::initializer_list<Field> fields = {});

inline void debug(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::debug, message, fields);
}
inline void info(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::info, message, fields);
}
inline void warning(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::warning, message, fields);
}
inline void error(std::string_view message, std::initializer_list<Field> fields = {}) {
  write(Level::error, message, fields);
}

}  // namespace base::log
