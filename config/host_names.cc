#include "config/host_names.h"

#include <idn2.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <utility>

#include "base/ascii.h"
#include "base/ip_network.h"

namespace config {
namespace {

enum class Underscore { refused, allowed };

constexpr std::size_t longest_name = 253;  // RFC 1035 §2.3.4, as text
constexpr std::size_t longest_label = 63;
constexpr std::size_t longest_input = 1024;

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// U-labels to A-labels, as browsers do (UTS #46, non-transitional). ASCII stays as it is.
Read<std::string> to_a_labels(std::string_view text) {
  if (is_ascii(text)) return std::string(text);
  if (text.find('\0') != std::string_view::npos) return std::unexpected("a host name");
  char* output = nullptr;
  const std::string input(text);
  const int result = ::idn2_to_ascii_8z(input.c_str(), &output, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, decltype(&::idn2_free)> owned(output, &::idn2_free);
  if (result != IDN2_OK)
    return std::unexpected("an internationalized host name: " + std::string(::idn2_strerror(result)));
  return std::string(output);
}

bool is_label(std::string_view label, Underscore underscore) {
  if (label.empty() || label.size() > longest_label || label.front() == '-' || label.back() == '-') return false;
  return std::ranges::all_of(label, [underscore](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           (c == '_' && underscore == Underscore::allowed);
  });
}

Read<std::string> parse_name(std::string_view text, Underscore underscore) {
  if (text.size() > longest_input) return std::unexpected("a host name of at most 253 characters");
  auto name = to_a_labels(text);
  if (!name) return name;
  base::make_lower(*name);
  if (name->size() > 1 && name->back() == '.') name->pop_back();
  if (name->size() > longest_name) return std::unexpected("a host name of at most 253 characters");
  for (std::string_view rest = *name;;) {
    const std::size_t dot = rest.find('.');
    if (!is_label(rest.substr(0, dot), underscore)) {
      return std::unexpected("a host name: labels of letters, digits and hyphens between dots");
    }
    if (dot == std::string_view::npos) return name;
    rest.remove_prefix(dot + 1);
  }
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return port;
}

struct HostPort {
  std::string_view host;
  std::uint16_t port = 0;
};

// An IPv6 address without brackets does not split: which colon is the port's cannot be told.
std::optional<HostPort> split(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const std::string_view host = text.substr(0, colon);
  const bool bracketed = host.size() >= 2 && host.front() == '[' && host.back() == ']';
  if (host.find(':') != std::string_view::npos && !bracketed) return std::nullopt;
  const auto port = parse_port(text.substr(colon + 1));
  if (!port) return std::nullopt;
  return HostPort{host, *port};
}

}  // namespace

bool is_ip_address(std::string_view text) {
  return base::IpAddress::parse(text).has_value();
}

Read<std::string> parse_host_name(std::string_view text) {
  return parse_name(text, Underscore::refused);
}

Read<std::string> parse_host_pattern(std::string_view text) {
  if (text == "*") return std::unexpected("a host name or a pattern such as \"*.example.com\"");
  const bool wildcard = text.starts_with("*.");
  if (text.substr(wildcard ? 2 : 0).find('*') != std::string_view::npos) {
    return std::unexpected("a wildcard only as the whole left-most label, as in \"*.example.com\"");
  }
  auto name = parse_host_name(text.substr(wildcard ? 2 : 0));
  if (name && wildcard) name->insert(0, "*.");
  return name;
}

Read<SocketAddress> parse_socket_address(std::string_view text) {
  const auto parts = split(text);
  if (!parts) return std::unexpected("an address and port such as 127.0.0.1:8443, :8443 or [::1]:8443");
  SocketAddress address;
  address.port = parts->port;
  if (parts->host.empty()) return address;
  const auto ip = base::IpAddress::parse(parts->host);
  if (!ip) return std::unexpected("an IP address before the port, or nothing for all addresses");
  address.host = ip->to_string();
  return address;
}

Read<Endpoint> parse_endpoint(std::string_view text) {
  if (text.find("://") != std::string_view::npos) {
    return std::unexpected("host:port without a scheme, such as 127.0.0.1:3000 (TLS is the key `tls` of the backend)");
  }
  const auto parts = split(text);
  if (!parts || parts->host.empty() || parts->port == 0) {
    return std::unexpected("host:port such as 127.0.0.1:3000, app.internal:80 or [::1]:3000");
  }
  Endpoint endpoint;
  endpoint.port = parts->port;
  if (const auto ip = base::IpAddress::parse(parts->host)) {
    endpoint.host = ip->to_string();
    return endpoint;
  }
  auto name = parse_name(parts->host, Underscore::allowed);
  if (!name) return std::unexpected(std::move(name.error()));
  endpoint.host = std::move(*name);
  return endpoint;
}

}  // namespace config
