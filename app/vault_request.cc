#include "app/vault_request.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/http_url.h"
#include "config/faults.h"
#include "config/sections.h"

namespace app {
namespace {

std::unexpected<base::Error> refusal(const char* what, const std::string& found, const std::string& expected) {
  return base::fail(base::Code::refused,
                    fmt::format("{}: found {}, expected {}: no token goes elsewhere", what, found, expected),
                    base::Origin::control);
}

// The vault's name: the first label of its host. Empty: the URL is not that of a vault of this cloud.
std::string name_in(const std::string& vault, const std::string& suffix) {
  if (!vault.contains("://")) return vault;
  const auto url = base::parse_http_url(vault);
  if (!url || !url->secure || !(url->rest.empty() || url->rest == "/")) return {};
  const std::string authority = base::lower_case(url->authority);
  const std::string end = "." + base::lower_case(suffix);
  return authority.ends_with(end) ? authority.substr(0, authority.size() - end.size()) : std::string();
}

}  // namespace

base::Result<config::KeyVaultCertificate> vault_request(const kube::VaultRead& read, config::AzureCloud cloud,
                                                        const std::string& suffix) {
  if (read.cloud && *read.cloud != cloud) {
    return refusal("cloud", config::quote(to_string(*read.cloud)), fmt::format("`{}`", to_string(cloud)));
  }
  const std::string name = name_in(read.vault, suffix);
  const auto valid = config::parse_vault(name);
  if (name.empty() || !valid || valid->contains("://")) {
    return refusal("vault", config::quote(read.vault), fmt::format("https://NAME.{}", suffix));
  }
  config::KeyVaultCertificate request{.vault = fmt::format("https://{}.{}", name, suffix),
                                      .name = read.object,
                                      .kind = read.kind,
                                      .version = read.version,
                                      .identity = read.identity};
  // "0" is External Secrets' word for never again.
  if (read.poll) {
    const bool never = read.poll->count() == 0;
    request.poll = never ? longest_vault_poll
                         : std::clamp<std::chrono::milliseconds>(*read.poll, shortest_vault_poll, longest_vault_poll);
  }
  return request;
}

}  // namespace app
