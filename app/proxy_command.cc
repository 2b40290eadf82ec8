#include <unistd.h>

#include <memory>
#include <string>

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include "app/admin_client.h"
#include "app/commands.h"
#include "app/control_loop.h"
#include "app/echo_backend.h"
#include "app/local_leaf.h"
#include "app/process_limits.h"
#include "app/proxy_configuration.h"
#include "app/signals.h"
#include "app/state_directory.h"
#include "base/clock.h"
#include "base/log.h"

namespace app {
namespace {

void greet(const Gateway& gateway, const ProxyWords& words, const std::filesystem::path& ca, bool echo) {
  const config::SocketAddress listening = gateway.observe().listening.front();
  fmt::print("\n");
  for (const std::string& host : words.hosts) {
    fmt::print("  {}  ->  {}\n", url_of(host, listening.port), echo ? "an echo of the request, as JSON" : words.to);
  }
  fmt::print("  authority: {}  (trust it once, and browsers are content)\n", ca.string());
  if (gateway.admin() != nullptr) fmt::print("  status:    http://{}/\n", gateway.admin()->address().to_string());
  fmt::print("\nTry:\n  {}\n\n", curl_line(words.hosts.front(), listening, ca));
  std::fflush(stdout);
}

ExitCode fail(const std::string& problem) {
  fmt::print(stderr, "sekisho proxy: {}\n", problem);
  return ExitCode::no;
}

// About the state directory, with the way out where nothing can be written there.
ExitCode fail_in(const std::filesystem::path& state, const base::Error& error) {
  const bool writable = ::access(state.c_str(), W_OK | X_OK) == 0;
  return fail(error.what + (writable ? "" : " (--state names another directory)"));
}

ExitCode misused(const std::vector<std::string>& problems) {
  for (const std::string& problem : problems) fail(problem);
  return ExitCode::usage;
}

ExitCode proxy(ProxyWords words) {
  block_signals();
  raise_open_file_limit();
  words.access_log_text = ::isatty(STDOUT_FILENO) == 1;
  if (!words.state.empty()) words.state = std::filesystem::absolute(words.state).lexically_normal();

  const auto hosts = canonical_hosts(words.hosts);
  if (!hosts) return misused(hosts.error());
  words.hosts = *hosts;

  std::unique_ptr<EchoBackend> echo;
  if (words.to.empty()) {
    auto started = EchoBackend::start();
    if (!started) return fail(started.error().what);
    echo = std::move(*started);
    words.to = echo->address().to_string();
  }
  auto configuration = proxy_configuration(words);
  if (!configuration) return misused(configuration.error());
  // Before the CA makes its folder in it, with the rights that a user's umask would give to the outer one.
  const std::filesystem::path state = configuration->state_directory;
  if (auto made = make_state_directory(state); !made) return fail_in(state, made.error());
  auto ca = certstore::LocalCa::open(state / "ca", base::system_clock());
  if (!ca) return fail_in(state, ca.error());
  const std::filesystem::path ca_path = ca->certificate_path();

  const std::uint16_t port = configuration->listeners.front().address.port;
  Gateway::Options options{.config = std::move(*configuration)};
  if (words.admin.empty()) options.assumed_admin = default_admin_address();
  options.sources.push_back(std::make_unique<LocalLeaf>(std::move(*ca), proxy_certificate_names(words.hosts)));

  EventQueue events;
  const SignalThread signals(events);
  auto gateway = Gateway::start(std::move(options));
  if (!gateway) return fail(with_advice(gateway.error(), port));
  greet(**gateway, words, ca_path, echo != nullptr);
  run_control_loop(**gateway, events, {});
  return ExitCode::done;
}

}  // namespace

void add_proxy_command(CLI::App& app, Command& chosen) {
  CLI::App* const command = app.add_subcommand("proxy", "HTTPS in front of one app, with a local CA and no file");
  const auto words = std::make_shared<ProxyWords>();
  command->add_option("--to", words->to, "The app; without it an echo of our own answers")->type_name("ADDR");
  command->add_option("--host", words->hosts, "A name to serve; may be repeated")
      ->type_name("NAME")
      ->capture_default_str();
  command->add_option("--listen", words->listen, "Where to listen for HTTPS")->type_name("ADDR")->capture_default_str();
  command->add_option("--http", words->http, "Where to listen for HTTP, which is redirected to HTTPS")
      ->type_name("ADDR");
  command->add_option("--state", words->state, "Where the local CA is kept")->type_name("DIR");
  command->add_option("--admin", words->admin, "Admin address [127.0.0.1:9180 if it is free]")->type_name("ADDR");
  command->footer(
      "Examples:\n"
      "  sekisho proxy --to 127.0.0.1:3000\n"
      "  sekisho proxy --to 3000 --host shop.localhost --host api.localhost --http :8080\n"
      "  sekisho proxy --to https://127.0.0.1:3443 --listen 127.0.0.1:9443");
  command->callback([&chosen, words] { chosen = [words] { return proxy(*words); }; });
}

}  // namespace app
