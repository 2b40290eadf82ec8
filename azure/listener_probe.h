// Which certificate an address shows for a name: the last word on whether a mirror has arrived.
#pragma once

#include <chrono>
#include <stop_token>
#include <string>

#include "base/error.h"

namespace azure {

// Lower-case hexadecimal SHA-256 of the leaf that is shown for `server_name`; nothing is verified, for only that is
// looked at. `address`: "192.0.2.1:443", "gw.example.com" (then 443). Errors: invalid, unreachable, timeout, tls,
// cancelled. Blocking.
[[nodiscard]] base::Result<std::string> shown_fingerprint(const std::string& address, const std::string& server_name,
                                                          std::chrono::milliseconds timeout,
                                                          const std::stop_token& stop);

}  // namespace azure
