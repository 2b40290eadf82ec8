// One exchange of DNS messages with one server. RFC 1035 §4.2, RFC 7766.
#pragma once

#include <sys/socket.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/ip_network.h"

namespace acme {

// A server's address and port.
struct DnsServer {
  sockaddr_storage address{};
  socklen_t size = 0;
  // "192.0.2.1:53", "[2001:db8::1]:53", "192.0.2.1", "fe80::1%eth0". Nothing: not an address.
  [[nodiscard]] static std::optional<DnsServer> parse(std::string_view text, std::uint16_t default_port = 53);
  [[nodiscard]] static DnsServer at(const base::IpAddress& address, std::uint16_t port = 53);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] std::uint16_t port() const noexcept;
  [[nodiscard]] bool same_host(const DnsServer& other) const noexcept;
};

struct DnsExchange {
  base::SteadyTime deadline;
  std::stop_token stop;
  // Whether a datagram is the answer; others are passed over until the deadline, as they may be forged. TCP only: not
  // asked.
  std::function<bool(std::string_view)> is_answer = {};
};

// Errors: unreachable, timeout, closed, cancelled, io. The answer is controlled by the server, or by whoever can guess
// source port and id of a datagram; at most 65,535 bytes. Block.
[[nodiscard]] base::Result<std::string> exchange_datagram(const DnsServer& server, std::string_view message,
                                                          const DnsExchange& exchange);
[[nodiscard]] base::Result<std::string> exchange_stream(const DnsServer& server, std::string_view message,
                                                        const DnsExchange& exchange);

}  // namespace acme
