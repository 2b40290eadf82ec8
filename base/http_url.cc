#include "base/http_url.h"

#include <algorithm>

#include <fmt/format.h>

#include "base/ascii.h"
#include "base/ip_network.h"

namespace base {
namespace {

constexpr std::string_view plain = "http://";
constexpr std::string_view secure = "https://";

}  // namespace

std::string_view HttpUrl::host() const {
  if (authority.find_first_of("@\\") != std::string_view::npos) return {};
  const auto end = authority.starts_with('[') ? authority.find(']') + 1 : authority.find(':');
  return authority.substr(0, end);
}

std::optional<HttpUrl> parse_http_url(std::string_view text) {
  const bool is_secure = text.starts_with(secure);
  if (!is_secure && !text.starts_with(plain)) return std::nullopt;
  text.remove_prefix(is_secure ? secure.size() : plain.size());
  const auto end = std::min(text.find_first_of("/?#"), text.size());
  return HttpUrl{is_secure, text.substr(0, end), text.substr(end)};
}

std::string origin_of(std::string_view text) {
  const auto url = parse_http_url(text);
  if (!url || url->host().empty()) return {};
  std::string_view authority = url->authority;
  const std::string_view port = url->secure ? ":443" : ":80";
  if (authority.size() == url->host().size() + port.size() && authority.ends_with(port)) {
    authority.remove_suffix(port.size());
  }
  return std::string(url->secure ? secure : plain) + lower_case(authority);
}

bool is_loopback_host(std::string_view host) {
  return host == "localhost" || host.ends_with(".localhost") || is_loopback_address(host);
}

std::string percent_encoded(std::string_view text) {
  constexpr std::string_view unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  std::string encoded;
  for (const char c : text) {
    if (unreserved.contains(c)) {
      encoded += c;
    } else {
      encoded += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
    }
  }
  return encoded;
}

}  // namespace base
