// Asking a running instance through its admin endpoint. For the subcommands that print tables.
#pragma once

#include <chrono>
#include <string>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "config/config.h"

namespace app {

// 127.0.0.1:9180: where instances are asked, and where they answer if their configuration does not say.
[[nodiscard]] config::SocketAddress default_admin_address();
// Empty if `text` is "host:port"; else what was found and what is expected. A name is as good as an address here: the
// instance may be elsewhere.
[[nodiscard]] std::string admin_address_fault(const std::string& text);

// GET http://`address``path`, as JSON. `address` is "host:port". Any status is fine as long as the body is JSON.
// Blocking, ten seconds at most.
[[nodiscard]] base::Result<nlohmann::ordered_json> ask_admin(const std::string& address, const std::string& path);

// The same, where the answer takes its time: asks until it is there. Errors besides: `refused` with the instance's own
// words. Blocking, `patience` at most.
[[nodiscard]] base::Result<nlohmann::ordered_json> ask_admin_patiently(const std::string& address,
                                                                       const std::string& path,
                                                                       std::chrono::seconds patience);

// What changes something, or takes its time. `token` goes along as bearer token if it is not empty. With an errand in
// the answer, asks until it has ended; its error becomes this one's. Errors: `refused` with the instance's own words.
// Blocking, `patience` at most.
struct AdminChange {
  std::string path;
  std::string token;
  std::chrono::seconds patience{120};
};
[[nodiscard]] base::Result<nlohmann::ordered_json> change_by_admin(const std::string& address,
                                                                   const AdminChange& change);

}  // namespace app
