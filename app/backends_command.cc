#include "app/table_command.h"

namespace app {
namespace {

using Json = nlohmann::ordered_json;

std::string number(const Json& from, const char* key) {
  return std::to_string(from.value(key, std::int64_t{0}));
}

std::string render(const Json& backends, Colour colour) {
  Table table({"BACKEND", "ENDPOINT", "ADDRESS", "STATE", "WEIGHT", "REQUESTS", "FAILURES", "IN FLIGHT", "PROBLEM"});
  for (const Json& backend : backends) {
    const auto name = backend["name"].get<std::string>();
    const auto problem = backend["problem"].get<std::string>();
    if (backend["endpoints"].empty()) {
      table.add({{name},
                 {joined(backend["configured"])},
                 {},
                 {"no address", Tone::bad},
                 {},
                 {},
                 {},
                 {},
                 {problem, Tone::bad}});
    }
    for (const Json& endpoint : backend["endpoints"]) {
      const bool healthy = endpoint["healthy"].get<bool>();
      table.add({{name},
                 {endpoint["name"].get<std::string>()},
                 {endpoint["address"].get<std::string>()},
                 {healthy ? "healthy" : "unhealthy", healthy ? Tone::good : Tone::bad},
                 {number(endpoint, "weight")},
                 {number(endpoint, "requests")},
                 {number(endpoint, "failures")},
                 {number(endpoint, "in_flight")},
                 {problem, Tone::bad}});
    }
  }
  return table.render(colour);
}

}  // namespace

void add_backends_command(CLI::App& app, Command& chosen) {
  add_table_command(app, chosen,
                    {.name = "backends",
                     .description = "Show the backends of a running instance and the health of their endpoints",
                     .path = "/api/backends",
                     .render = render});
}

}  // namespace app
