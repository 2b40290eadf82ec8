#include <fmt/format.h>

#include "app/table_command.h"

namespace app {
namespace {

using Json = nlohmann::ordered_json;

std::string lasting(std::int64_t seconds) {
  if (seconds >= 172'800) return fmt::format("{} d", seconds / 86'400);
  if (seconds >= 7'200) return fmt::format("{} h", seconds / 3'600);
  return seconds >= 120 ? fmt::format("{} min", seconds / 60) : fmt::format("{} s", seconds);
}

// "1 served, 4 refused".
std::string certificates_of(const Json& status) {
  const auto all = status["certificates"].get<std::uint64_t>();
  if (!status.contains("certificates_served")) return std::to_string(all);  // of an older instance
  const auto served = status["certificates_served"].get<std::uint64_t>();
  const auto refused = status["certificates_refused"].get<std::uint64_t>();
  std::string text = fmt::format("{} served", served);
  if (refused > 0) text += fmt::format(", {} refused", refused);
  if (all > served + refused) text += fmt::format(", {} not used", all - served - refused);
  return text;
}

void add_lines(Table& table, const char* what, const Json& lines, Tone tone) {
  for (const Json& line : lines) table.add({{what}, {line.get<std::string>(), tone}});
}

std::string render(const Json& status, Colour colour) {
  const bool ready = status["ready"].get<bool>();
  std::uint64_t open = 0;
  std::uint64_t requests = 0;
  for (const Json& worker : status["workers"]) {
    open += worker["connections_open"].get<std::uint64_t>();
    requests += worker["requests"].get<std::uint64_t>();
  }
  const Json& reload = status["reload"];
  Table table({"WHAT", "IS"});
  table.add({{"state"}, {ready ? "ready" : "not ready", ready ? Tone::good : Tone::bad}});
  add_lines(table, "reason", status["reasons"], Tone::bad);
  add_lines(table, "warning", status["warnings"], Tone::bad);
  table.add({{"version"}, {status["version"].get<std::string>()}});
  table.add({{"up for"}, {lasting(status["uptime_seconds"].get<std::int64_t>())}});
  table.add({{"listeners"}, {joined(status["listeners"])}});
  table.add({{"generation"}, {std::to_string(status["generation"].get<std::uint64_t>())}});
  table.add({{"reloads"},
             {fmt::format("{} good, {} refused", reload["good"].get<std::uint64_t>(),
                          reload["refused"].get<std::uint64_t>())}});
  add_lines(table, "refused", reload["problems"], Tone::bad);
  add_lines(table, "restart", reload["restart_needed"], Tone::bad);
  table.add({{"certificates"}, {certificates_of(status)}});
  table.add({{"routes"}, {std::to_string(status["routes"].get<std::uint64_t>())}});
  table.add({{"backends"}, {std::to_string(status["backends"].get<std::uint64_t>())}});
  table.add({{"workers"}, {std::to_string(status["workers"].size())}});
  table.add({{"connections"}, {fmt::format("{} open", open)}});
  table.add({{"requests"}, {std::to_string(requests)}});
  return table.render(colour);
}

}  // namespace

void add_status_command(CLI::App& app, Command& chosen) {
  add_table_command(
      app, chosen,
      {.name = "status",
       .description = "Show the state of a running instance; exit code 1 if it is not ready",
       .path = "/api/status",
       .render = render,
       .judge = [](const Json& status) { return status["ready"].get<bool>() ? ExitCode::done : ExitCode::no; }});
}

}  // namespace app
