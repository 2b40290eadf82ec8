// Affinity: the cookie by which a client comes back to the endpoint that it had. Its value is a keyed hash of the
// address: nobody learns an address from it, and whoever makes one up reaches no more than an endpoint of the same
// backend. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "proxy/backend_table.h"
#include "proxy/header_list.h"

namespace proxy {

// What stands in the cookie for this endpoint of `backend`, the same for all who have the cookie's own key, or the same
// `secret` where it has none.
[[nodiscard]] std::string affinity_value(const config::Backend& backend, std::string_view secret,
                                         const tcp::endpoint& address);

// Where the request's cookie leads; nullopt: it has none, or none that leads to an endpoint of this state, which must
// have an affinity. Of a name that comes several times, as where paths lie below each other, the first that does; a
// few are looked at. The headers are attacker controlled.
[[nodiscard]] std::optional<tcp::endpoint> endpoint_of_cookie(const HeaderList& headers, const BackendState& state);

// The value of a Set-Cookie field (RFC 6265 §4.1) that leads to `endpoint` from now on.
enum class ClientScheme : bool { http, https };
[[nodiscard]] std::string affinity_cookie(const config::AffinityCookie& cookie, const EndpointState& endpoint,
                                          std::string_view route_path, ClientScheme scheme);

}  // namespace proxy
