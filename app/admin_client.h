// Asking a running instance through its admin endpoint. For the subcommands that print tables.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/config.h"

namespace app {

// 127.0.0.1:9180: where instances are asked, and where they answer if their configuration does not say.
[[nodiscard]] config::SocketAddress default_admin_address();

// GET http://`address``path`, as JSON. `address` is "host:port". Any status is fine as long as the body is JSON.
// Blocking, ten seconds at most.
[[nodiscard]] base::Result<nlohmann::ordered_json> ask_admin(const std::string& address, const std::string& path);

}  // namespace app
