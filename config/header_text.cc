#include <algorithm>

#include "base/ascii.h"
#include "base/ip_network.h"
#include "config/sections.h"

namespace config {
namespace {

constexpr std::size_t longest_header_name = 256;
constexpr std::size_t longest_header_value = 8192;
constexpr std::size_t longest_path = 4096;

// RFC 9110 §5.6.2: tchar.
bool is_token(std::string_view text) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !text.empty() && std::ranges::all_of(text, [marks](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           marks.find(c) != std::string_view::npos;
  });
}

bool has_dot_segment(std::string_view path) {
  while (!path.empty()) {
    path.remove_prefix(1);  // the slash
    const std::string_view segment = path.substr(0, path.find('/'));
    if (segment == "." || segment == "..") return true;
    path.remove_prefix(segment.size());
  }
  return false;
}

}  // namespace

Read<std::string> parse_header_name(std::string_view text) {
  if (!is_token(text) || text.size() > longest_header_name) return std::unexpected("the name of a header field");
  return base::lower_case(text);
}

// RFC 9110 §5.5: "Field values containing CR, LF, or NUL characters are invalid and dangerous".
Read<std::string> parse_header_value(std::string_view text) {
  const bool visible = std::ranges::all_of(text, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
  });
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  const bool padded = !text.empty() && (blank(text.front()) || blank(text.back()));
  if (!visible || padded || text.size() > longest_header_value) {
    return std::unexpected("the value of a header field: one line, without blanks at its ends");
  }
  return std::string(text);
}

Read<std::string> parse_method(std::string_view text) {
  const bool lower_case = std::ranges::any_of(text, [](char c) { return c >= 'a' && c <= 'z'; });
  if (!is_token(text) || text.size() > 64 || lower_case) {
    return std::unexpected("a method in capitals, such as GET");  // RFC 9110 §9.1: "The method token is case-sensitive"
  }
  return std::string(text);
}

Read<std::string> parse_url_path(std::string_view text) {
  if (!text.starts_with('/')) return std::unexpected("a path that begins with /");
  const bool plain = std::ranges::all_of(text, [](char c) { return c > 0x20 && c < 0x7f && c != '?' && c != '#'; });
  if (!plain || text.size() > longest_path) {
    return std::unexpected("a path without query, fragment or blanks; other characters percent-encoded");
  }
  if (has_dot_segment(text)) return std::unexpected("a path without . and .. segments");
  return std::string(text);
}

Read<std::string> parse_request_target(std::string_view text) {
  const std::size_t query = text.find('?');
  if (auto path = parse_url_path(text.substr(0, query)); !path) return path;
  if (query == std::string_view::npos) return std::string(text);
  const std::string_view rest = text.substr(query);
  const bool plain = std::ranges::all_of(rest, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
  if (!plain || text.size() > longest_path) return std::unexpected("a path and a query, percent-encoded");
  return std::string(text);
}

Read<std::string> parse_cookie_name(std::string_view text) {
  constexpr std::size_t longest = 64;
  if (!is_token(text) || text.size() > longest)
    return std::unexpected("the name of a cookie, of at most 64 characters");
  return std::string(text);
}

Read<std::string> parse_cookie_path(std::string_view text) {
  auto path = parse_url_path(text);
  if (path && path->contains(';')) return std::unexpected("a path without a semicolon");
  return path;
}

Read<std::string> parse_authority(std::string_view text) {
  if (const auto address = base::IpAddress::parse(text)) return address->to_host();
  if (text.find(':') == std::string_view::npos) return parse_host_name(text);
  const auto endpoint = parse_endpoint(text);
  if (!endpoint) return std::unexpected("a host name or an address, and perhaps a port, such as app.internal:8080");
  return endpoint->to_string();
}

}  // namespace config
