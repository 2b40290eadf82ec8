// The DnsZone that is a program of the operator's.
#include <cstdlib>
#include <utility>

#include <fmt/format.h>

#include "acme/dns_zone.h"
#include "base/program.h"

namespace acme {
namespace {

// Of our own environment only what a program needs to find its parts and speak its language: the rest may hold secrets.
std::vector<std::string> environment_for(const std::vector<std::string>& arguments, std::chrono::seconds ttl) {
  std::vector<std::string> environment;
  for (const char* name : {"PATH", "HOME", "LANG", "TZ", "TMPDIR"}) {
    if (const char* value = std::getenv(name)) environment.push_back(fmt::format("{}={}", name, value));
  }
  const std::size_t count = arguments.size();
  environment.push_back("SEKISHO_DNS_ACTION=" + arguments[count - 3]);
  environment.push_back("SEKISHO_DNS_NAME=" + arguments[count - 2]);
  environment.push_back("SEKISHO_DNS_VALUE=" + arguments[count - 1]);
  environment.push_back(fmt::format("SEKISHO_DNS_TTL={}", ttl.count()));
  return environment;
}

base::Result<void> judge(base::ProgramEnd end) {
  if (end.good) return {};
  const std::string output = base::printable_line(std::move(end.output));
  return base::fail(base::Code::refused, output.empty() ? end.how : fmt::format("{}: {}", end.how, output),
                    base::Origin::control, base::Retry::later);
}

class ExecZone final : public DnsZone {
 public:
  explicit ExecZone(config::DnsExec config) : config_(std::move(config)) {}

  base::Result<void> add(const std::string& owner, const std::string& value, std::chrono::seconds ttl,
                         std::stop_token stop) override {
    return call("add", owner, value, ttl, stop);
  }
  base::Result<void> remove(const std::string& owner, const std::string& value, std::stop_token stop) override {
    return call("remove", owner, value, std::chrono::seconds(0), stop);
  }

 private:
  base::Result<void> call(std::string_view action, const std::string& owner, const std::string& value,
                          std::chrono::seconds ttl, const std::stop_token& stop) const {
    if (config_.command.empty()) return base::fail(base::Code::invalid, "dns exec: no command");
    std::vector<std::string> arguments = config_.command;
    arguments.insert(arguments.end(), {std::string(action), owner, value});
    auto environment = environment_for(arguments, ttl);
    auto end = base::run_program(
        {.arguments = std::move(arguments), .environment = std::move(environment), .timeout = config_.timeout}, stop);
    base::Result<void> done = end ? judge(*std::move(end)) : std::unexpected(std::move(end.error()));
    if (done) return done;
    return std::unexpected(std::move(done).error().in(fmt::format("{} {} {}", config_.command.front(), action, owner)));
  }
  config::DnsExec config_;
};

}  // namespace

std::shared_ptr<DnsZone> make_exec_zone(const config::DnsExec& config) {
  return std::make_shared<ExecZone>(config);
}

}  // namespace acme
