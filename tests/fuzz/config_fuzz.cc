// Any bytes as configuration: parse() returns a Config or faults, each of them a line of text, and never crashes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "config/parse.h"
#include "config/utf8.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(bytes), size);
  const auto config = config::parse(text, "fuzz.yaml");
  if (config) {
    // What is accepted is complete: every route leads somewhere, and there is a place to listen on.
    if (config->listeners.empty()) std::abort();
    for (const config::Route& route : config->routes) {
      if (route.name.empty()) std::abort();
      const auto* to = std::get_if<config::ToBackend>(&route.action);
      if (to != nullptr && !config->backends.contains(to->backend)) std::abort();
    }
    return 0;
  }
  if (config.error().empty()) std::abort();
  for (const config::Diagnostic& fault : config.error()) {
    const std::string line = fault.to_string();
    if (config::first_not_text(line) || line.find_first_of("\r\n") != std::string::npos) std::abort();
  }
  return 0;
}
