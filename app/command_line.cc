#include <iostream>

#include <CLI/CLI.hpp>

#include "app/commands.h"

namespace app {

ExitCode run_command_line(int argc, const char* const* argv) {
  CLI::App app("sekisho: a TLS edge in one binary. Terminates HTTPS in front of HTTP backends.", "sekisho");
  app.require_subcommand(1);
  app.set_version_flag("--version", "sekisho " SEKISHO_VERSION);
  app.footer(
      "Examples:\n"
      "  sekisho proxy --to 127.0.0.1:3000        HTTPS in front of an app, no file needed\n"
      "  sekisho run --config sekisho.yaml        the gateway\n"
      "  sekisho check sekisho.yaml               is the file valid?\n"
      "  sekisho certs                            what a running instance serves\n\n"
      "Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 could not reach what was asked.");

  Command chosen;
  add_proxy_command(app, chosen);
  add_run_command(app, chosen);
  add_check_command(app, chosen);
  add_certs_command(app, chosen);
  add_routes_command(app, chosen);
  add_backends_command(app, chosen);
  add_status_command(app, chosen);
  add_version_command(app, chosen);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    // Help and --version are "errors" that went well.
    const bool asked = app.exit(error, std::cout, std::cerr) == 0;
    return asked ? ExitCode::done : ExitCode::usage;
  }
  return chosen();
}

}  // namespace app
