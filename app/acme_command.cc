// sekisho acme rollover|deactivate ISSUER.
#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "base/http_url.h"

#include "app/change_command.h"
#include "app/commands.h"
#include "app/exit_code.h"

namespace app {
namespace {

struct AccountAction {
  const char* name;
  const char* description;
  const char* done;
};

ExitCode act(const ChangeWords& words, const AccountAction& action, const std::string& issuer) {
  const auto done = change(words, fmt::format("/api/issuers/{}/{}", base::percent_encoded(issuer), action.name));
  if (!done) {
    fmt::print(stderr, "sekisho acme {}: {}\n", action.name, done.error().what);
    return done.error().code == base::Code::refused ? ExitCode::no : ExitCode::unreachable;
  }
  fmt::print("{}: {}\n", issuer, action.done);
  return ExitCode::done;
}

void add_action(CLI::App& acme, Command& chosen, const AccountAction& action) {
  CLI::App* const command = acme.add_subcommand(action.name, action.description);
  const auto words = add_change_words(*command);
  const auto issuer = std::make_shared<std::string>();
  command->add_option("ISSUER", *issuer, "The issuer, by its name in the configuration")->required();
  command->callback(
      [&chosen, words, issuer, action] { chosen = [words, issuer, action] { return act(*words, action, *issuer); }; });
}

}  // namespace

void add_acme_command(CLI::App& app, Command& chosen) {
  CLI::App* const acme = app.add_subcommand("acme", "The account at an ACME server");
  acme->require_subcommand(1);
  add_action(*acme, chosen,
             {"rollover", "Give the account a new key (RFC 8555 7.3.5)",
              "the account has a new key, and the old one is of no use any more"});
  add_action(*acme, chosen,
             {"deactivate", "Give the account up for ever (RFC 8555 7.3.6)",
              "the account is deactivated; its certificates stay good until they expire"});
  acme->footer("Examples:\n  sekisho acme rollover letsencrypt\n  sekisho acme deactivate letsencrypt");
}

}  // namespace app
