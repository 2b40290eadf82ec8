#include <algorithm>
#include <iostream>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/commands.h"
#include "config/faults.h"

namespace app {
namespace {

std::vector<std::string_view> names_of_commands(const CLI::App& app) {
  std::vector<std::string_view> names;
  for (const CLI::App* command : app.get_subcommands(nullptr)) names.push_back(command->get_name());
  return names;
}

}  // namespace

ExitCode run_command_line(int argc, const char* const* argv) {
  CLI::App app("sekisho: a TLS edge in one binary. Terminates HTTPS in front of HTTP backends.", "sekisho");
  app.require_subcommand(1);
  app.set_version_flag("--version", "sekisho " SEKISHO_VERSION);
  Command chosen;
  add_proxy_command(app, chosen);
  add_run_command(app, chosen);
  add_ingress_command(app, chosen);
  add_check_command(app, chosen);
  add_certs_command(app, chosen);
  add_routes_command(app, chosen);
  add_backends_command(app, chosen);
  add_status_command(app, chosen);
  add_why_command(app, chosen);
  add_renew_command(app, chosen);
  add_revoke_command(app, chosen);
  add_acme_command(app, chosen);
  add_doctor_command(app, chosen);
  add_version_command(app, chosen);
  // Last: a command without examples of its own would inherit these.
  app.footer(
      "Examples:\n"
      "  sekisho proxy --to 127.0.0.1:3000        HTTPS in front of an app, no file needed\n"
      "  sekisho run --config sekisho.yaml        the gateway\n"
      "  sekisho ingress --class nginx            the gateway, configured by Ingresses of a cluster\n"
      "  sekisho check sekisho.yaml               is the file valid?\n"
      "  sekisho certs                            what a running instance serves\n"
      "  sekisho why www.example.com              and why it serves that\n\n"
      "Exit codes: 0 done, 1 the answer is no, 2 wrong usage, 3 could not reach what was asked.");

  // CLI11 would say only that some subcommand is missing.
  const std::vector<std::string_view> known = names_of_commands(app);
  if (argc > 1 && argv[1][0] != '-' && std::ranges::find(known, argv[1]) == known.end()) {
    fmt::print(stderr, "sekisho: there is no command {}{}\nRun with --help for more information.\n",
               config::quote(argv[1]), config::suggestion(argv[1], known));
    return ExitCode::usage;
  }
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
