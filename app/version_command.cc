#include <fmt/format.h>
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "app/commands.h"

namespace app {

void add_version_command(CLI::App& app, Command& chosen) {
  CLI::App* const command = app.add_subcommand("version", "Print the version");
  command->callback([&chosen] {
    chosen = [] {
      fmt::print("sekisho {}\n", SEKISHO_VERSION);
      return ExitCode::done;
    };
  });
}

}  // namespace app
