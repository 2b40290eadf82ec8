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

// Of what is issued here and under way: how far it is.
std::string state_of(const Json& certificate) {
  auto state = certificate["state"].get<std::string>();
  const auto managed = certificate.find("managed");
  if (managed == certificate.end()) return state;
  if (certificate.value("interim", false)) state = "interim";
  const auto doing = (*managed)["state"].get<std::string>();
  if (doing == "issued" || doing == state) return state;
  state += ", " + doing;
  if (doing == "ordering" && managed->contains("order")) state += ": " + (*managed)["order"]["step"].get<std::string>();
  return state;
}

std::string next_of(const Json& certificate) {
  const auto managed = certificate.find("managed");
  if (managed == certificate.end() || !(*managed)["next_action"].is_string()) return {};
  if (const auto doing = (*managed)["state"].get<std::string>(); doing == "ordering" || doing == "queued") return {};
  return fmt::format("{} ({})", (*managed)["next_action"].get<std::string>(),
                     (*managed)["next_action_reason"].get<std::string>());
}

// Of the mirrors that are behind; empty where all are in step, or there are none.
std::string mirror_problem_of(const Json& certificate) {
  const auto mirrors = certificate.find("mirrors");
  if (mirrors == certificate.end()) return {};
  for (const Json& mirror : *mirrors) {
    if (mirror["in_step"].get<bool>()) continue;
    const auto problem = mirror["problem"].get<std::string>();
    return fmt::format("not yet the same in {}{}{}", mirror["mirror"].get<std::string>(), problem.empty() ? "" : ": ",
                       problem);
  }
  return {};
}

std::string problem_of(const Json& certificate) {
  auto problem = certificate["problem"].get<std::string>();
  return problem.empty() ? mirror_problem_of(certificate) : problem;
}

Tone tone_of(const std::string& state) {
  if (state == "valid" || state == "held elsewhere") return Tone::good;
  return state == "unused" ? Tone::dim : Tone::bad;
}

std::string render(const Json& certificates, Colour colour) {
  Table table({"NAMES", "STATE", "EXPIRES", "LEFT", "KEY", "ISSUER", "SERIAL", "SOURCE", "NEXT", "PROBLEM"});
  for (const Json& one : certificates) {
    const std::string state = state_of(one);
    std::string names = joined(one["names"]);
    if (one["default"].get<bool>()) names += " (default)";
    table.add({{names},
               {state, tone_of(state)},
               {one.value("not_after", "")},
               {time_left(one)},
               {one.value("key_type", "")},
               {one.value("issuer", "")},
               {one.value("serial", "")},
               {one["id"].get<std::string>(), Tone::dim},
               {next_of(one)},
               {problem_of(one), Tone::bad}});
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
       .render = render,
       .footer = "STATE interim: the local CA's certificate is shown until the issuer has delivered.\n"
                 "NEXT is when a certificate that is issued here is renewed, or tried again, and why then.\n\n"
                 "Examples:\n  sekisho certs\n  sekisho certs --watch\n  sekisho certs --output json",
       .can_watch = true});
}

}  // namespace app
