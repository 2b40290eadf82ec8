// What backends get to see of a request's trailer section. Pure; input is attacker controlled.
#pragma once

#include "config/config.h"
#include "proxy/header_list.h"

namespace proxy {

// The fields that may follow a request's body. RFC 9110 §6.5.1: "Many fields cannot be processed outside the header
// section because their evaluation is necessary prior to receiving the content, such as those that describe message
// framing, routing, authentication, request modifiers, response controls, or content format." Backends exist that
// merge trailers into the headers all the same, so what we make sure of there must not come again behind the body: left
// out are hop-by-hop fields and those that Connection names, Forwarded and X-Forwarded-*, the client's identity,
// X-Request-Id, Host, credentials, and what the route's `changes` remove or set.
[[nodiscard]] HeaderList request_trailers(const HeaderList& sent, const config::HeaderChanges& changes);

}  // namespace proxy
