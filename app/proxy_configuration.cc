#include "app/proxy_configuration.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <system_error>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/ip_network.h"
#include "base/json.h"
#include "config/faults.h"
#include "config/host_names.h"
#include "config/parse.h"

namespace app {
namespace {

using Json = nlohmann::ordered_json;

struct Target {
  std::string endpoint;
  bool tls = false;
};

Target target_of(std::string_view to) {
  Target target;
  if (to.starts_with("https://")) {
    target.tls = true;
    to.remove_prefix(8);
  } else if (to.starts_with("http://")) {
    to.remove_prefix(7);
  }
  if (to.ends_with('/')) to.remove_suffix(1);
  const bool only_digits = !to.empty() && std::ranges::all_of(to, [](char c) { return c >= '0' && c <= '9'; });
  const bool has_port = to.find(':') != std::string_view::npos && !to.ends_with(']');
  if (only_digits) {
    target.endpoint = fmt::format("127.0.0.1:{}", to);
  } else {
    target.endpoint = has_port ? std::string(to) : fmt::format("{}:{}", to, target.tls ? 443 : 80);
  }
  return target;
}

// Names under localhost are this machine for every client, without DNS (RFC 6761 §6.3).
bool resolves_here(const std::string& host) {
  return host == "localhost" || host.ends_with(".localhost");
}

bool is_any(const std::string& host) {
  const auto address = base::IpAddress::parse(host);
  return host.empty() || (address && (*address == base::IpAddress::v4(0) || *address == base::IpAddress::v6({})));
}

// Shell words of a path that may hold blanks.
std::string quoted(const std::string& word) {
  constexpr std::string_view harmless = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/._-+:,@%";
  if (word.find_first_not_of(harmless) == std::string::npos) return word;
  std::string result = "'";
  for (const char c : word) result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return result + "'";
}

}  // namespace

std::expected<std::vector<std::string>, std::vector<std::string>> canonical_hosts(
    const std::vector<std::string>& hosts) {
  std::vector<std::string> names;
  std::vector<std::string> problems;
  for (const std::string& host : hosts) {
    if (const auto address = base::IpAddress::parse(host)) {
      names.push_back(address->to_string());
      continue;
    }
    auto name = config::parse_host_name(host);
    if (name) {
      names.push_back(std::move(*name));
    } else {
      problems.push_back(fmt::format("--host: found {}, expected {}", config::quote(host), name.error()));
    }
  }
  if (!problems.empty()) return std::unexpected(std::move(problems));
  return names;
}

std::expected<config::Config, std::vector<std::string>> proxy_configuration(const ProxyWords& words) {
  const Target target = target_of(words.to);
  Json backend{{"endpoints", Json::array({target.endpoint})}};
  if (target.tls) backend["tls"] = Json::object();
  Json listeners = Json::array({{{"address", words.listen}, {"tls", true}}});
  if (!words.http.empty()) listeners.push_back({{"address", words.http}});
  Json text{{"listeners", std::move(listeners)},
            // A TLS listener must have one; the leaf of the local CA comes from a source of its own (app/local_leaf.h).
            {"certificates", Json::array({{{"files", {{"certificate", "local-ca"}}}}})},
            {"access_log", words.access_log_text ? "text" : "json"},
            {"routes", Json::array({{{"name", "proxy"}, {"backend", "app"}, {"https_redirect", !words.http.empty()}}})},
            {"backends", {{"app", std::move(backend)}}},
            // Ctrl-C on a laptop: no load balancer has to look away first.
            {"drain", {{"grace", "0"}, {"deadline", "3s"}}}};

  if (!words.state.empty()) text["state_directory"] = words.state.string();
  if (!words.admin.empty()) text["admin"] = {{"address", words.admin}};
  auto parsed = config::parse(base::json_line(text), "proxy");
  if (parsed) {
    parsed->certificates.clear();
    parsed->https_port = parsed->listeners.front().address.port;
    return std::move(*parsed);
  }
  std::vector<std::string> problems;
  std::vector<std::pair<std::string_view, std::string>> options{{"--listen: ", config::quote(words.listen)},
                                                                {"--to: ", config::quote(target.endpoint)},
                                                                {"--http: ", config::quote(words.http)},
                                                                {"--admin: ", config::quote(words.admin)}};
  for (const config::Diagnostic& diagnostic : parsed.error()) {
    // Of what was found alone: a fault's place is one in a text that nobody wrote.
    const auto option = std::ranges::find(options, diagnostic.found, &std::pair<std::string_view, std::string>::second);
    const std::string_view name = option == options.end() ? std::string_view() : option->first;
    problems.push_back(fmt::format("{}found {}, expected {}", name, diagnostic.found, diagnostic.expected));
    if (option != options.end()) options.erase(option);
  }
  return std::unexpected(std::move(problems));
}

std::string with_advice(const base::Error& error, std::uint16_t port) {
  constexpr std::uint16_t first_free = 1024;
  const bool denied = error.what.find(std::generic_category().message(EACCES)) != std::string::npos;
  if (!denied || port == 0 || port >= first_free) return error.what;
  return error.what + ": ports below 1024 need the right CAP_NET_BIND_SERVICE; --listen :8443 needs none";
}

std::vector<std::string> proxy_certificate_names(const std::vector<std::string>& hosts) {
  std::vector<std::string> names = hosts;
  for (const char* more : {"localhost", "127.0.0.1", "::1"}) {
    if (std::ranges::find(names, more) == names.end()) names.emplace_back(more);
  }
  return names;
}

std::string url_of(const std::string& host, std::uint16_t port) {
  const std::string name = host.find(':') == std::string::npos ? host : fmt::format("[{}]", host);
  return port == 443 ? "https://" + name : fmt::format("https://{}:{}", name, port);
}

std::string curl_line(const std::string& host, const config::SocketAddress& listening,
                      const std::filesystem::path& ca) {
  std::string line = "curl --cacert " + quoted(ca.string());
  const bool here = is_any(listening.host) || base::is_loopback_address(listening.host);
  const bool is_address = base::IpAddress::parse(host).has_value();
  if (!is_address && !(resolves_here(host) && here)) {
    const std::string address = is_any(listening.host) ? "127.0.0.1" : listening.host;
    line += fmt::format(" --resolve {}:{}:{}", host, listening.port, address);
  }
  // With a proxy in the environment curl would ask it for a name that only this machine knows.
  const char* const proxy = std::getenv("https_proxy");
  const char* const proxy_upper = std::getenv("HTTPS_PROXY");
  if (proxy != nullptr || proxy_upper != nullptr) line += " --noproxy '*'";
  return line + ' ' + url_of(host, listening.port) + '/';
}

}  // namespace app
