// The subcommands. Each adds itself to the command line; what was chosen is run after parsing.
#pragma once

#include <functional>

#include <CLI/App.hpp>

#include "app/exit_code.h"

namespace app {

using Command = std::function<ExitCode()>;

// `chosen` is set when the subcommand was named on the command line; it runs once parsing is done.
void add_proxy_command(CLI::App& app, Command& chosen);
void add_run_command(CLI::App& app, Command& chosen);
void add_ingress_command(CLI::App& app, Command& chosen);
void add_check_command(CLI::App& app, Command& chosen);
void add_certs_command(CLI::App& app, Command& chosen);
void add_routes_command(CLI::App& app, Command& chosen);
void add_backends_command(CLI::App& app, Command& chosen);
void add_status_command(CLI::App& app, Command& chosen);
void add_why_command(CLI::App& app, Command& chosen);
void add_renew_command(CLI::App& app, Command& chosen);
void add_revoke_command(CLI::App& app, Command& chosen);
void add_acme_command(CLI::App& app, Command& chosen);
void add_doctor_command(CLI::App& app, Command& chosen);
void add_version_command(CLI::App& app, Command& chosen);

// The whole command line.
[[nodiscard]] ExitCode run_command_line(int argc, const char* const* argv);

}  // namespace app
