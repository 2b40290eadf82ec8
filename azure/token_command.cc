#include "azure/token_command.h"

#include <unistd.h>

#include <utility>

#include <fmt/format.h>

#include "base/program.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

constexpr std::size_t largest_output = 128U << 10U;

std::vector<std::string> whole_environment() {
  std::vector<std::string> variables;
  for (char** variable = environ; variable != nullptr && *variable != nullptr; ++variable) {
    variables.emplace_back(*variable);
  }
  return variables;
}

class TokenCommand final : public Identity {
 public:
  TokenCommand(std::vector<std::string> command, IdentityOptions options)
      : command_(std::move(command)), options_(std::move(options)) {}

  base::Result<Grant> ask(const TokenRequest& request, const std::stop_token& stop) override {
    if (command_.empty()) return base::fail(base::Code::invalid, "azure: no token_command", base::Origin::control);
    base::Program program{.arguments = command_, .environment = whole_environment()};
    program.arguments.push_back(request.scope);
    program.most_output = largest_output;
    program.errors = base::Program::Errors::to_our_own;
    auto end = base::run_program(program, stop);
    if (!end) return std::unexpected(std::move(end.error()).in(description()));
    const certstore::WipedAtEnd output_wiped(end->output);
    // What it printed may be a token all the same: nothing of it is told.
    if (!end->good) {
      return base::fail(base::Code::refused, fmt::format("{}: {}", description(), end->how), base::Origin::control,
                        base::Retry::later);
    }
    auto grant = grant_from_output(end->output, options_.clock.now());
    if (!grant) return std::unexpected(std::move(grant.error()).in(description()));
    return grant;
  }

  std::string description() const override {
    return "token command " + (command_.empty() ? std::string() : command_.front());
  }

 private:
  const std::vector<std::string> command_;
  const IdentityOptions options_;
};

}  // namespace

std::shared_ptr<Identity> make_token_command(std::vector<std::string> command, IdentityOptions options) {
  return std::make_shared<TokenCommand>(std::move(command), std::move(options));
}

}  // namespace azure
