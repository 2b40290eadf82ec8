#include "config/diagnostic.h"

#include <fmt/format.h>

namespace config {

std::string Diagnostic::to_string() const {
  const std::string place = line == 0 ? file : fmt::format("{}:{}:{}", file, line, column);
  return fmt::format("{}: found {}, expected {}", place, found, expected);
}

}  // namespace config
