// What forward does to header fields between client and backend. Pure; input is attacker controlled.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/ip_network.h"
#include "config/config.h"
#include "proxy/connection_facts.h"
#include "proxy/message.h"

namespace proxy {

// Removes Connection and what it names, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade, TE (kept as "trailers" if it
// said so, for gRPC), Proxy-Authenticate, Proxy-Authorization. RFC 9110 §7.6.1.
void remove_hop_by_hop(HeaderList& headers);

// X-Forwarded-For/-Proto/-Host/-Port and Forwarded (RFC 7239): what a trusted peer sent is kept and our hop is added; from others
// all of it is replaced. X-Real-Ip is set. The client's address, by these, is returned (for logs and limits).
[[nodiscard]] base::IpAddress apply_forwarded(RequestHead& request, const ConnectionFacts& connection,
                                              const std::vector<base::IpNetwork>& trusted);

// X-Request-Id: kept if it is 1..128 characters of [A-Za-z0-9._~+/=-] , else made (32 hexadecimal digits, not secret). Returns it.
[[nodiscard]] std::string apply_request_id(HeaderList& headers);

// Client-Cert (RFC 9440), X-Client-Verify, X-Client-Subject, X-Client-Issuer, X-Client-Serial, X-Client-Fingerprint: whatever the client sent under these names is
// removed first, always, also spelled with underscores.
void apply_client_identity(HeaderList& headers, const ConnectionFacts& connection);

// remove, then set, then add.
void apply_changes(HeaderList& headers, const config::HeaderChanges& changes);

// The Location of a redirect. `matched_prefix` is the route's path if it is a prefix, else empty.
[[nodiscard]] std::string redirect_location(const config::Redirect& redirect, const RequestHead& request, bool over_tls,
                                            std::string_view matched_prefix);

}  // namespace proxy
