// sekisho doctor: what a CA is going to find, before it is asked.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/change_command.h"
#include "app/commands.h"
#include "app/exit_code.h"
#include "app/table.h"
#include "base/json.h"

namespace app {
namespace {

using Json = nlohmann::ordered_json;

Tone tone_of(const std::string& verdict) {
  if (verdict == "good") return Tone::good;
  return verdict == "bad" ? Tone::bad : Tone::dim;
}

ExitCode examine(const ChangeWords& words, const std::string& output) {
  const auto findings = change(words, "/api/doctor");
  if (!findings) {
    fmt::print(stderr, "sekisho doctor: {}\n", findings.error().what);
    return findings.error().code == base::Code::refused ? ExitCode::no : ExitCode::unreachable;
  }
  bool bad = false;
  Table table({"NAME", "CHECK", "VERDICT", "FOUND"});
  for (const Json& one : *findings) {
    const auto verdict = one.value("verdict", "");
    bad = bad || verdict == "bad";
    table.add(
        {{one.value("name", "")}, {one.value("check", "")}, {verdict, tone_of(verdict)}, {one.value("text", "")}});
  }
  fmt::print("{}", output == "json" ? base::json_lines(*findings) + "\n" : table.render(colour_of_standard_output()));
  return bad ? ExitCode::no : ExitCode::done;
}

}  // namespace

void add_doctor_command(CLI::App& app, Command& chosen) {
  CLI::App* const command = app.add_subcommand(
      "doctor", "Check names, port 80, DNS, CAA, account and clock before they fail; exit code 1 if any does");
  const auto words = add_change_words(*command);
  const auto output = std::make_shared<std::string>("table");
  command->add_option("--output,-o", *output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  command->footer("Example:\n  sekisho doctor");
  command->callback([&chosen, words, output] { chosen = [words, output] { return examine(*words, *output); }; });
}

}  // namespace app
