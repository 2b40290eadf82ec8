// Where a redirect leads. Pure; the request is attacker controlled.
#pragma once

#include <string>
#include <string_view>

#include "config/config.h"
#include "proxy/message.h"

namespace proxy {

// The Location of a redirect. `matched_prefix` is the route's path if it is a prefix, else empty. The port that the
// client asked for is kept only if neither scheme, host nor port is given; without one it is the scheme's.
[[nodiscard]] std::string redirect_location(const config::Redirect& redirect, const RequestHead& request, bool over_tls,
                                            std::string_view matched_prefix);

}  // namespace proxy
