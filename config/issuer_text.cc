#include <algorithm>
#include <string>

#include "base/http_url.h"
#include "base/ip_network.h"
#include "config/sections.h"

namespace config {
namespace {

constexpr std::size_t longest_given_name = 200;
constexpr std::size_t longest_url = 2048;
constexpr std::size_t longest_local_part = 64;  // RFC 5321 §4.5.3.1.1
constexpr std::size_t longest_dns_name = 253;
constexpr std::size_t longest_label = 63;
constexpr std::uint16_t dns_port = 53;

bool is_alphanumeric(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 5322 §3.2.3, the atext of a dot-atom, less what means something in a mailto URL (RFC 6068 §2).
bool is_address_character(char c) {
  return is_alphanumeric(c) || std::string_view("!$'*+-./=^_`{|}~").find(c) != std::string_view::npos;
}

bool is_dns_label(std::string_view label) {
  return !label.empty() && label.size() <= longest_label &&
         std::ranges::all_of(label, [](char c) { return is_alphanumeric(c) || c == '-' || c == '_'; });
}

}  // namespace

Read<std::string> parse_given_name(std::string_view text) {
  const bool plain = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!plain || text.size() > longest_given_name) {
    return std::unexpected("a name of at most 200 ASCII characters without blanks");
  }
  return std::string(text);
}

Read<std::string> parse_secure_url(std::string_view text) {
  const auto url = base::parse_http_url(text);
  if (!url) return std::unexpected("a URL that begins with https://");
  const bool plain = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!plain || text.size() > longest_url || url->authority.find('@') != std::string_view::npos) {
    return std::unexpected("a URL without blanks, user name or fragment, other characters percent-encoded");
  }
  auto authority = url->host().empty() ? Read<std::string>(std::unexpected("")) : parse_authority(url->authority);
  if (!authority)
    return std::unexpected("a URL with a host name or an address, such as https://ca.example.com/directory");
  if (!url->secure && !base::is_loopback_host(base::HttpUrl{false, *authority, {}}.host())) {
    return std::unexpected(
        "a URL that begins with https://; http is only for this very machine, such as http://127.0.0.1");
  }
  return (url->secure ? "https://" : "http://") + *authority + std::string(url->rest);
}

Read<std::string> parse_email(std::string_view text) {
  const std::size_t at = text.rfind('@');
  const std::string_view local = text.substr(0, at);
  const bool good = at != std::string_view::npos && !local.empty() && local.size() <= longest_local_part &&
                    std::ranges::all_of(local, is_address_character) && local.front() != '.' && local.back() != '.' &&
                    local.find("..") == std::string_view::npos;
  const auto domain = good ? parse_host_name(text.substr(at + 1)) : Read<std::string>(std::unexpected(""));
  // RFC 8555 §7.3: one address, and nothing of what a mailto URL may hold besides.
  if (!domain) return std::unexpected("one e-mail address such as admin@example.com, without mailto:");
  return std::string(local) + "@" + *domain;
}

Read<std::string> parse_dns_name(std::string_view text) {
  std::string name(text);
  if (name.size() > 1 && name.ends_with('.')) name.pop_back();
  std::ranges::transform(name, name.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c - 'A' + 'a') : c; });
  bool good = name.size() <= longest_dns_name;
  for (std::string_view rest = name; good;) {
    const std::size_t dot = rest.find('.');
    good = is_dns_label(rest.substr(0, dot));
    if (dot == std::string_view::npos) break;
    rest.remove_prefix(dot + 1);
  }
  if (!good) return std::unexpected("a DNS name: labels of letters, digits, hyphens and underscores between dots");
  return name;
}

Read<std::string> parse_nameserver(std::string_view text) {
  if (const auto address = base::IpAddress::parse(text)) {
    return SocketAddress{address->to_string(), dns_port}.to_string();
  }
  const auto address = parse_socket_address(text);
  if (!address || address->host.empty() || address->port == 0) {
    return std::unexpected(
        "the IP address of a name server, and perhaps a port, such as 192.0.2.53 or [2001:db8::1]:53");
  }
  return address->to_string();
}

Read<std::string> parse_dns_server(std::string_view text) {
  if (auto address = parse_nameserver(text)) return address;
  const bool has_port = text.find(':') != std::string_view::npos;
  const auto server = parse_endpoint(has_port ? std::string(text) : std::string(text) + ":53");
  if (!server || base::IpAddress::parse(server->host)) {
    return std::unexpected("a DNS server such as 192.0.2.53, ns.example.com:53 or [2001:db8::1]:53");
  }
  return server->to_string();
}

}  // namespace config
