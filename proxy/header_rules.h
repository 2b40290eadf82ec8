// What forward does to header fields between client and backend, apart from proxy/forwarded.h. Pure; input is attacker
// controlled. The order for a request is: hop-by-hop, id, identity, forwarded, changes.
#pragma once

#include <string>

#include "config/config.h"
#include "proxy/connection_facts.h"
#include "proxy/header_list.h"

namespace proxy {

// Whether a field's name (lower case) is `wanted`, or becomes it on the way to a program: CGI and WSGI take '_' for
// '-', and some servers every other character that is neither letter nor digit.
[[nodiscard]] bool is_spelling_of(std::string_view name, std::string_view wanted) noexcept;

// Removes Connection and what it names, Keep-Alive, Proxy-Connection, Transfer-Encoding, Upgrade, TE (kept as
// "trailers" if it said so, for gRPC), Proxy-Authenticate, Proxy-Authorization, HTTP2-Settings, and Proxy (which CGI
// takes for a setting of its own). RFC 9110 §7.6.1. Goes before all others here: what they set cannot be named by the
// client's Connection.
void remove_hop_by_hop(HeaderList& headers);

// X-Request-Id: kept if it is 1..128 characters of [A-Za-z0-9._~+/=-] , else made (32 hexadecimal digits, not secret).
// Returns it.
[[nodiscard]] std::string apply_request_id(HeaderList& headers);

// Whether a field is one of those that apply_client_identity writes, in any spelling.
[[nodiscard]] bool tells_of_identity(const HeaderView& field) noexcept;

// Client-Cert (RFC 9440), Client-Cert-Chain, X-Client-Verify, X-Client-Subject, X-Client-Issuer, X-Client-Serial,
// X-Client-Fingerprint: whatever the client sent under these names is removed first, always, in every
// spelling.
void apply_client_identity(HeaderList& headers, const ConnectionFacts& connection);

// remove, then set, then add.
void apply_changes(HeaderList& headers, const config::HeaderChanges& changes);

}  // namespace proxy
