#include <fmt/format.h>

#include "app/table_command.h"

namespace app {
namespace {

using Json = nlohmann::ordered_json;

std::string render(const Json& routes, Colour colour) {
  Table table({"NAME", "HOSTS", "PATH", "METHODS", "ACTION", "REQUESTS"});
  for (const Json& one : routes) {
    std::string action = one["action"].get<std::string>();
    if (one["redirect_to_https"].get<bool>()) action += ", https only";
    table.add({{one["name"].get<std::string>()},
               {joined(one["hosts"], "any")},
               {fmt::format("{} {}", one["path_match"].get<std::string>(), one["path"].get<std::string>())},
               {joined(one["methods"], "any")},
               {action},
               {std::to_string(one["requests"].get<std::uint64_t>())}});
  }
  return table.render(colour);
}

}  // namespace

void add_routes_command(CLI::App& app, Command& chosen) {
  add_table_command(app, chosen,
                    {.name = "routes",
                     .description = "Show the routes of a running instance",
                     .path = "/api/routes",
                     .render = render});
}

}  // namespace app
