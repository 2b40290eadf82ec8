// The configuration that `sekisho proxy` runs with, made from the words on its command line. Pure.
#pragma once

#include <expected>
#include <filesystem>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"

namespace app {

struct ProxyWords {
  std::string to;  // "127.0.0.1:3000", "3000", "http://app:3000", "https://app:3443"
  std::vector<std::string> hosts{"app.localhost"};
  std::string listen = ":8443";
  std::string http;             // where plain HTTP is redirected from; empty: nowhere
  std::filesystem::path state;  // absolute; empty: the default of the configuration
  std::string admin;            // empty: none in the configuration
  bool access_log_text = false;
};

// The hosts in the form in which certificates have them (lower case, A-labels), or what is wrong with them.
[[nodiscard]] std::expected<std::vector<std::string>, std::vector<std::string>> canonical_hosts(
    const std::vector<std::string>& hosts);

// Or what is wrong with the words, a sentence each.
[[nodiscard]] std::expected<config::Config, std::vector<std::string>> proxy_configuration(const ProxyWords& words);

// What `error`, of starting the gateway, says, with what can be done where `port` may not be listened to.
[[nodiscard]] std::string with_advice(const base::Error& error, std::uint16_t port);

// The names of the certificate: the hosts, and what a developer types besides.
[[nodiscard]] std::vector<std::string> proxy_certificate_names(const std::vector<std::string>& hosts);

// The command that shows that it works, for the address that is really listened to.
[[nodiscard]] std::string curl_line(const std::string& host, const config::SocketAddress& listening,
                                    const std::filesystem::path& ca);

// "https://app.localhost:8443"; without the port if it is 443.
[[nodiscard]] std::string url_of(const std::string& host, std::uint16_t port);

}  // namespace app
