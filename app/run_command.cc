#include <filesystem>
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/admin_client.h"
#include "app/commands.h"
#include "app/control_loop.h"
#include "app/process_limits.h"
#include "app/signals.h"
#include "base/log.h"
#include "config/parse.h"

namespace app {
namespace {

struct Words {
  std::string config;
  std::string log = "text";
};

ExitCode run(const Words& words) {
  block_signals();
  raise_open_file_limit();
  base::log::set_format(words.log == "json" ? base::log::Format::json : base::log::Format::text);

  const std::filesystem::path file = std::filesystem::absolute(words.config).lexically_normal();
  auto parsed = config::load(file);
  if (!parsed) {
    for (const config::Diagnostic& diagnostic : parsed.error()) fmt::print(stderr, "{}\n", diagnostic.to_string());
    return ExitCode::no;
  }

  EventQueue events;
  const SignalThread signals(events);
  auto gateway = Gateway::start({.config = std::move(*parsed), .assumed_admin = default_admin_address()});
  if (!gateway) {
    base::log::error("cannot start", {{"error", gateway.error().what}});
    return ExitCode::no;
  }
  run_control_loop(**gateway, events, {.path = file, .load = [&file] { return config::load(file); }});
  return ExitCode::done;
}

}  // namespace

void add_run_command(CLI::App& app, Command& chosen) {
  CLI::App* const command = app.add_subcommand("run", "Run the gateway with a configuration file");
  const auto words = std::make_shared<Words>();
  command->add_option("--config,-c", words->config, "The configuration (YAML or JSON)")->required()->type_name("FILE");
  command->add_option("--log", words->log, "Form of the process log on standard error")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->footer(
      "Signals: SIGHUP reads the configuration again (so does a change of the file), SIGTERM and SIGINT drain.\n\n"
      "Example:\n  sekisho run --config /etc/sekisho/sekisho.yaml");
  command->callback([&chosen, words] { chosen = [words] { return run(*words); }; });
}

}  // namespace app
