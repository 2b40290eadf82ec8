#include "azure/vault_challenge.h"

#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "base/ascii.h"
#include "base/http_url.h"

namespace azure {
namespace {

constexpr std::size_t most_parameters = 16;
constexpr std::size_t longest_tenant = 64;
constexpr std::size_t longest_shown = 200;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t,");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") + 1 - first);
}

// RFC 9110 §11.2: auth-param = token BWS "=" BWS ( token / quoted-string )
std::map<std::string, std::string> parameters_of(std::string_view text) {
  std::map<std::string, std::string> parameters;
  while (parameters.size() < most_parameters) {
    text = trimmed(text);
    const std::size_t equals = text.find('=');
    if (equals == std::string_view::npos) break;
    std::string name = base::lower_case(trimmed(text.substr(0, equals)));
    text.remove_prefix(equals + 1);
    text = trimmed(text);
    std::string_view value;
    if (text.starts_with('"')) {
      const std::size_t end = text.find('"', 1);
      if (end == std::string_view::npos) break;
      value = text.substr(1, end - 1);
      text.remove_prefix(end + 1);
    } else {
      const std::size_t end = std::min(text.find_first_of(", \t"), text.size());
      value = text.substr(0, end);
      text.remove_prefix(end);
    }
    parameters.emplace(std::move(name), std::string(value));
  }
  return parameters;
}

std::string without_suffixes(std::string_view resource) {
  constexpr std::string_view suffix = "/.default";
  if (resource.ends_with(suffix)) resource.remove_suffix(suffix.size());
  while (resource.ends_with('/')) resource.remove_suffix(1);
  return base::lower_case(resource);
}

std::string tenant_in(std::string_view authorization) {
  const auto url = base::parse_http_url(authorization);
  if (!url || !url->rest.starts_with('/')) return {};
  const std::string_view path = url->rest.substr(1);
  std::string tenant(path.substr(0, path.find_first_of("/?#")));
  const bool plain = std::ranges::all_of(tenant, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
  });
  return plain && tenant.size() <= longest_tenant ? tenant : std::string();
}

std::string host_of(std::string_view text) {
  const auto url = base::parse_http_url(text);
  return url ? base::lower_case(url->host()) : std::string();
}

}  // namespace

base::Result<VaultChallenge> vault_challenge_in(std::string_view header) {
  constexpr std::string_view scheme = "bearer ";
  if (base::lower_case(header.substr(0, scheme.size())) != scheme) {
    return base::fail(base::Code::protocol, "the vault asks for no Bearer token", base::Origin::upstream);
  }
  const auto parameters = parameters_of(header.substr(scheme.size()));
  const auto value = [&](const char* name) {
    const auto found = parameters.find(name);
    return found == parameters.end() ? std::string() : found->second;
  };
  VaultChallenge challenge;
  challenge.resource =
      value("resource").empty() ? without_suffixes(value("scope")) : without_suffixes(value("resource"));
  const std::string authorization =
      value("authorization").empty() ? value("authorization_uri") : value("authorization");
  challenge.tenant = tenant_in(authorization);
  if (host_of(challenge.resource).empty()) {
    return base::fail(base::Code::protocol, "the vault's challenge names no resource", base::Origin::upstream);
  }
  return challenge;
}

base::Result<void> check_challenge(const VaultChallenge& challenge, std::string_view vault_url,
                                   std::string_view scope) {
  const std::string vault = host_of(vault_url);
  const std::string resource = host_of(challenge.resource);
  const bool is_ours = challenge.resource == without_suffixes(scope);
  const bool is_of_it = vault.ends_with("." + resource) || base::is_loopback_host(vault);
  if (is_ours && is_of_it) return {};
  return base::fail(base::Code::refused,
                    fmt::format("{} asks for a token for {}, which is not for it: no token is sent (azure.cloud or "
                                "azure.key_vault_suffix?)",
                                acme::shown(vault, longest_shown), acme::shown(challenge.resource, longest_shown)),
                    base::Origin::upstream);
}

}  // namespace azure
