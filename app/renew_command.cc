// sekisho renew NAME, sekisho revoke NAME.
#include <memory>
#include <optional>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "acme/revocations.h"
#include "base/http_url.h"

#include "app/change_command.h"
#include "app/commands.h"
#include "app/exit_code.h"

namespace app {
namespace {

ExitCode exit_code_of(const base::Error& error) {
  return error.code == base::Code::refused ? ExitCode::no : ExitCode::unreachable;
}

ExitCode renew(const ChangeWords& words, const std::string& name) {
  const auto done = change(words, fmt::format("/api/certificates/{}/renew", base::percent_encoded(name)));
  if (!done) {
    fmt::print(stderr, "sekisho renew: {}\n", done.error().what);
    return exit_code_of(done.error());
  }
  fmt::print("{} is being renewed; see it with: sekisho certs --watch\n", name);
  return ExitCode::done;
}

ExitCode revoke(const ChangeWords& words, const std::string& name, std::optional<unsigned> reason) {
  const auto done = change(words, fmt::format("/api/certificates/{}/revoke{}", base::percent_encoded(name),
                                              reason ? fmt::format("?reason={}", *reason) : ""));
  if (!done) {
    fmt::print(stderr, "sekisho revoke: {}\n", done.error().what);
    return exit_code_of(done.error());
  }
  if (acme::ends_service(reason)) {
    fmt::print("{} is revoked and not served any more, and a new certificate is being got\n", name);
  } else {
    fmt::print("{} is being replaced, and is revoked as soon as the new certificate is served\n", name);
  }
  return ExitCode::done;
}

}  // namespace

void add_renew_command(CLI::App& app, Command& chosen) {
  CLI::App* const command = app.add_subcommand("renew", "Renew a certificate now, whatever its plan is");
  const auto words = add_change_words(*command);
  const auto name = std::make_shared<std::string>();
  command->add_option("NAME", *name, "The certificate: its name in the configuration, or its first host")->required();
  command->footer(
      "The old certificate is served until the new one is there.\n\nExample:\n  sekisho renew www.example.com");
  command->callback([&chosen, words, name] { chosen = [words, name] { return renew(*words, *name); }; });
}

void add_revoke_command(CLI::App& app, Command& chosen) {
  CLI::App* const command = app.add_subcommand("revoke", "Have the CA revoke a certificate, and get a new one");
  const auto words = add_change_words(*command);
  const auto name = std::make_shared<std::string>();
  const auto reason = std::make_shared<std::optional<unsigned>>();
  command->add_option("NAME", *name, "The certificate: its name in the configuration, or its first host")->required();
  command
      ->add_option("--reason", *reason, "RFC 5280 5.3.1: 1 the key is compromised, 4 superseded, 5 not used any more")
      ->type_name("N");
  command->footer(
      "For a reason that puts the key in doubt (1, 2, 6, 8, 9, 10) the certificate is out of service at once, in "
      "every\n"
      "process on the state directory; for none, 0, 3, 4 or 5 the new one comes first.\n\n"
      "Example:\n  sekisho revoke www.example.com --reason 1");
  command->callback(
      [&chosen, words, name, reason] { chosen = [words, name, reason] { return revoke(*words, *name, *reason); }; });
}

}  // namespace app
