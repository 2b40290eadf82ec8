// Reachability: whether an address answers a challenge as this fleet does. What answers may be anybody.
#pragma once

#include <chrono>
#include <cstdint>
#include <stop_token>
#include <string>

#include "acme/identifier.h"
#include "base/ip_network.h"

namespace acme {

struct Reached {
  enum class How : std::uint8_t { ours, other, not_reached };
  How how = How::ours;
  std::string text;  // what was found, with the address
};

struct ReachTarget {
  base::IpAddress address;
  std::uint16_t port = 80;
  Identifier identifier;  // for Host, or for the server name
  std::chrono::milliseconds timeout{5'000};
};

// RFC 8555 §8.3: asks for the token by plain HTTP. Redirects are reported (as not_reached: the CA follows them, to
// places that we do not ask), never followed. Blocking, at most for the timeout.
[[nodiscard]] Reached reach_http01(const ReachTarget& target, const std::string& token,
                                   const std::string& key_authorization, const std::stop_token& stop);
// RFC 8737 §3: a handshake with ALPN acme-tls/1, whose certificate must have this key authorization's digest in its
// acmeIdentifier extension. Blocking, at most for the timeout.
[[nodiscard]] Reached reach_tls_alpn01(const ReachTarget& target, const std::string& key_authorization,
                                       const std::stop_token& stop);

}  // namespace acme
