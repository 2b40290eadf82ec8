#include "app/table_command.h"

#include <unistd.h>

#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/admin_client.h"
#include "base/json.h"
#include "base/wait.h"

namespace app {
namespace {

struct Words {
  std::string admin = default_admin_address().to_string();
  std::string output = "table";
  bool watch = false;
};

constexpr std::chrono::milliseconds watch_every{500};

std::string rendered(const TableCommand& command, const Words& words, const nlohmann::ordered_json& answer) {
  if (words.output != "json") return command.render(answer, colour_of_standard_output());
  return base::json_lines(answer) + '\n';
}

// On a terminal the table stays in its place; in a pipe each change is printed below the last.
ExitCode watch(const TableCommand& command, const Words& words) {
  const bool terminal = isatty(STDOUT_FILENO) == 1;
  std::string before;
  for (;;) {
    const auto answer = ask_admin(words.admin, command.path);
    if (!answer) {
      fmt::print(stderr, "sekisho {}: {}\n", command.name, answer.error().what);
      return ExitCode::unreachable;
    }
    std::string text = rendered(command, words, *answer);
    if (text != before) fmt::print("{}{}", terminal ? "\x1b[H\x1b[2J" : before.empty() ? "" : "\n", text);
    std::fflush(stdout);
    before = std::move(text);
    base::wait_for(watch_every, {});
  }
}

ExitCode run(const TableCommand& command, const Words& words) {
  if (words.watch) return watch(command, words);
  const auto answer = ask_admin(words.admin, command.path);
  if (!answer) {
    fmt::print(stderr, "sekisho {}: {}\n", command.name, answer.error().what);
    return ExitCode::unreachable;
  }
  try {
    fmt::print("{}", rendered(command, words, *answer));
    return command.judge ? command.judge(*answer) : ExitCode::done;
  } catch (const nlohmann::json::exception& error) {
    fmt::print(stderr, "sekisho {}: {} answers what this version does not understand: {}\n", command.name, words.admin,
               error.what());
    return ExitCode::unreachable;
  }
}

}  // namespace

void add_table_command(CLI::App& app, Command& chosen, TableCommand command) {
  CLI::App* const added = app.add_subcommand(command.name, command.description);
  const auto words = std::make_shared<Words>();
  added->add_option("--admin", words->admin, "The admin address of the instance to ask")
      ->type_name("ADDR")
      ->check(admin_address_fault)
      ->capture_default_str();
  added->add_option("--output,-o", words->output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  if (command.can_watch) added->add_flag("--watch,-w", words->watch, "Print again at each change");
  added->footer(command.footer.empty()
                    ? fmt::format("Examples:\n  sekisho {0}\n  sekisho {0} --output json", command.name)
                    : command.footer);
  const auto shared = std::make_shared<const TableCommand>(std::move(command));
  added->callback([&chosen, shared, words] { chosen = [shared, words] { return run(*shared, *words); }; });
}

std::string joined(const nlohmann::ordered_json& list, std::string otherwise) {
  std::string text;
  for (const auto& one : list) text += (text.empty() ? "" : ", ") + one.get<std::string>();
  return text.empty() ? otherwise : text;
}

}  // namespace app
