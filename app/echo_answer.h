// What the echo backend answers. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

namespace app {

// All of it is attacker controlled.
struct EchoedRequest {
  std::string method;
  std::string target;
  std::string protocol;
  std::vector<std::pair<std::string, std::string>> headers;  // as received, in order
  std::uint64_t body_size = 0;
  std::string body;  // its first EchoBackend::shown_body_bytes
};

// {method, target, protocol, headers{name: value or [values]}, body_size, body} or, if the body is no UTF-8,
// body_base64.
[[nodiscard]] std::string echo_answer(const EchoedRequest& request);

}  // namespace app
