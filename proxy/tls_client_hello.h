// What is read from a ClientHello before OpenSSL has worked on it. Pure; input is attacker controlled.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace proxy {

// The host_name of a server_name extension (RFC 6066 §3), as sent; empty if there is none or the extension is broken
// (OpenSSL refuses that one itself later).
[[nodiscard]] std::string_view server_name_of(std::span<const std::uint8_t> extension) noexcept;

// Whether an ALPN extension (RFC 7301 §3.1) offers this protocol and nothing else.
[[nodiscard]] bool offers_only(std::span<const std::uint8_t> extension, std::string_view protocol) noexcept;

}  // namespace proxy
