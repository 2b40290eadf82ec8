// Host names and addresses as an operator writes them, checked and in the one form that the rest compares.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"

namespace config {

// A value, or what was expected instead.
template <class T>
using Read = std::expected<T, std::string>;

// Lower case and A-labels (RFC 5891), without a dot at the end; letters, digits and hyphens (RFC 1123 §2.1).
[[nodiscard]] Read<std::string> parse_host_name(std::string_view text);
// A host name, or "*." and a host name (RFC 6125 §6.4.3: the wildcard is the whole left-most label).
[[nodiscard]] Read<std::string> parse_host_pattern(std::string_view text);

// "127.0.0.1:8443", ":8443", "[::1]:8443". Port 0 lets the system choose.
[[nodiscard]] Read<SocketAddress> parse_socket_address(std::string_view text);
// "127.0.0.1:3000", "[::1]:3000", "app.internal:80". A name may hold underscores, as names inside networks do.
[[nodiscard]] Read<Endpoint> parse_endpoint(std::string_view text);

// With or without brackets.
[[nodiscard]] bool is_ip_address(std::string_view text);

}  // namespace config
