// X-Forwarded-* and Forwarded: who the client is, as backends are told. Pure; input is attacker controlled.
#pragma once

#include <vector>

#include "base/ip_network.h"
#include "proxy/connection_facts.h"
#include "proxy/header_rules.h"
#include "proxy/message.h"
#include "proxy/redirect.h"

namespace proxy {

// Whether a field says who the client is: X-Forwarded-Anything, Forwarded, X-Real-IP, in any spelling.
[[nodiscard]] bool tells_of_client(const HeaderView& field) noexcept;

// X-Forwarded-For/-Proto/-Host/-Port and Forwarded (RFC 7239): what a trusted peer sent is kept and our hop is added;
// from others all of it, and every other X-Forwarded-* (in any spelling), is replaced. X-Real-Ip is set. The
// client's address, by these, is returned (for logs and limits). The peer is `connection.client`: behind a PROXY
// header, whoever spoke to the load balancer. Without a port in the authority, X-Forwarded-Port is the scheme's.
[[nodiscard]] base::IpAddress apply_forwarded(RequestHead& request, const ConnectionFacts& connection,
                                              const std::vector<base::IpNetwork>& trusted);

// The same address, of a request that goes to no backend: its fields stay as they are.
[[nodiscard]] base::IpAddress client_behind(const HeaderList& headers, const ConnectionFacts& connection,
                                            const std::vector<base::IpNetwork>& trusted);

}  // namespace proxy
