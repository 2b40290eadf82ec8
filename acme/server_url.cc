#include "acme/server_url.h"

#include <algorithm>
#include <cstddef>
#include <optional>

#include "base/ip_network.h"

namespace acme {
namespace {

constexpr std::string_view plain = "http://";
constexpr std::string_view secure = "https://";
constexpr std::size_t longest_url = 2000;

// The host without its port; nothing if there is none, or if parsers could disagree on where it ends.
std::optional<std::string_view> host_of(std::string_view url) {
  if (url.starts_with(plain)) {
    url.remove_prefix(plain.size());
  } else if (url.starts_with(secure)) {
    url.remove_prefix(secure.size());
  } else {
    return std::nullopt;
  }
  const std::string_view authority = url.substr(0, url.find_first_of("/?#"));
  if (authority.find_first_of("@\\") != std::string_view::npos) return std::nullopt;
  const auto end = authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':');
  const std::string_view host = authority.substr(0, end);
  return host.empty() ? std::nullopt : std::optional(host);
}

bool is_loopback(std::string_view host) {
  if (host == "localhost" || host.ends_with(".localhost")) return true;
  static const auto v4 = base::IpNetwork::parse("127.0.0.0/8");
  static const auto v6 = base::IpNetwork::parse("::1");
  const auto address = base::IpAddress::parse(host);
  return address && (v4->contains(*address) || v6->contains(*address));
}

}  // namespace

bool is_server_url(std::string_view url) {
  if (url.size() > longest_url || std::ranges::any_of(url, [](char c) { return c <= ' ' || c > '~'; })) return false;
  const auto host = host_of(url);
  return host && (url.starts_with(secure) || is_loopback(*host));
}

bool leads_to_loopback(std::string_view url) {
  const auto host = host_of(url);
  return host && is_loopback(*host);
}

}  // namespace acme
