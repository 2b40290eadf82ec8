#include "app/table_command.h"

#include <memory>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/admin_client.h"
#include "config/faults.h"
#include "config/host_names.h"

namespace app {
namespace {

struct Words {
  std::string admin = default_admin_address().to_string();
  std::string output = "table";
};

// A name is as good as an address here: the instance may be elsewhere.
std::string expect_address(const std::string& text) {
  const auto address = config::parse_socket_address(text);
  if (address) return {};
  return config::parse_endpoint(text) ? std::string()
                                      : fmt::format("found {}, expected host:port", config::quote(text));
}

ExitCode run(const TableCommand& command, const Words& words) {
  const auto answer = ask_admin(words.admin, command.path);
  if (!answer) {
    fmt::print(stderr, "sekisho {}: {}\n", command.name, answer.error().what);
    return ExitCode::unreachable;
  }
  try {
    const std::string text = words.output == "json"
                                 ? answer->dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + '\n'
                                 : command.render(*answer, colour_of_standard_output());
    fmt::print("{}", text);
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
      ->check(expect_address)
      ->capture_default_str();
  added->add_option("--output,-o", words->output, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
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
