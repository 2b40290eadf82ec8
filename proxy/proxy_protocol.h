// The PROXY protocol, version 1 and 2 (https://www.haproxy.org/download/2.9/doc/proxy-protocol.txt): parsed from load
// balancers in listed networks, written to backends that ask for it. Pure; input is attacker controlled.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "base/error.h"
#include "base/ip_network.h"
#include "config/config.h"

namespace proxy {

struct ProxiedAddresses {
  base::IpAddress source, destination;
  std::uint16_t source_port = 0, destination_port = 0;
};

struct ProxyHeader {
  std::size_t size = 0;  // bytes of the header, to be skipped
  std::optional<ProxiedAddresses>
      addresses;  // none: LOCAL, UNKNOWN or an address family we do not speak; use the socket's
};

// nullopt: a good beginning, more bytes are needed. Never needs more than 107 bytes (v1) or 16 + 4096 (v2; longer is an
// error). Error: this is no PROXY header.
[[nodiscard]] base::Result<std::optional<ProxyHeader>> parse_proxy_header(std::span<const char> bytes);

[[nodiscard]] std::string write_proxy_header(config::ProxyProtocolOut version, const ProxiedAddresses& addresses);

}  // namespace proxy
