#include <fmt/format.h>

#include "app/table_command.h"

namespace app {
namespace {

using Json = nlohmann::ordered_json;

std::string time_left(const Json& certificate) {
  if (!certificate.contains("expires_in_seconds")) return {};
  const auto seconds = certificate["expires_in_seconds"].get<std::int64_t>();
  if (seconds < 0) return "past";
  return seconds >= 172'800 ? fmt::format("{} d", seconds / 86'400) : fmt::format("{} h", seconds / 3'600);
}

Tone tone_of(const std::string& state) {
  if (state == "valid") return Tone::good;
  return state == "unused" ? Tone::dim : Tone::bad;
}

std::string render(const Json& certificates, Colour colour) {
  Table table({"NAMES", "STATE", "EXPIRES", "LEFT", "KEY", "ISSUER", "SOURCE", "PROBLEM"});
  for (const Json& one : certificates) {
    const auto state = one["state"].get<std::string>();
    std::string names = joined(one["names"]);
    if (one["default"].get<bool>()) names += " (default)";
    table.add({{names},
               {state, tone_of(state)},
               {one.value("not_after", "")},
               {time_left(one)},
               {one.value("key_type", "")},
               {one.value("issuer", "")},
               {one["id"].get<std::string>(), Tone::dim},
               {one["problem"].get<std::string>(), Tone::bad}});
  }
  return table.render(colour);
}

}  // namespace

void add_certs_command(CLI::App& app, Command& chosen) {
  add_table_command(
      app, chosen,
      {.name = "certs",
       .description = "Show the certificates that a running instance serves, and what is wrong with others",
       .path = "/api/certificates",
       .render = render});
}

}  // namespace app
