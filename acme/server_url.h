// Which URLs a CA may send us to.
#pragma once

#include <string_view>

namespace acme {

// What keeps a server from making us ask whatever it likes: https, or http towards loopback (tests, a CA on the same
// machine); a host, no user, nothing but visible ASCII, at most 2,000 characters. `url` is controlled by the CA.
[[nodiscard]] bool is_server_url(std::string_view url);
// Whether the host of a server URL is this machine, by its address or its name.
[[nodiscard]] bool leads_to_loopback(std::string_view url);

}  // namespace acme
