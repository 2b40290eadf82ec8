// The admin endpoint's answers: path to text. Pure; the server around it is app/small_server.h.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/observation.h"

namespace app {

struct AdminRequest {
  std::string method;
  std::string target;  // path and query; attacker controlled
  std::string host;    // the Host header; attacker controlled
  std::string authorization = {};
  std::string content_type = {};
  std::string body = {};  // attacker controlled, of bounded size
  // From this machine, and by no name that a browser could have been lured to.
  enum class Peer : std::uint8_t { elsewhere, this_machine } peer = Peer::elsewhere;
  std::string webhook_origin = {};  // WebHook-Request-Origin: who asks whether it may deliver events
};

struct AdminAnswer {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers = {};  // besides those that every answer has
};

using Observe = std::function<Observation()>;

// Answers GET and HEAD of /healthz, /readyz, /metrics, / and /api/...; 404 and 405 for the rest.
[[nodiscard]] AdminAnswer answer_admin(const AdminRequest& request, const Observe& observe);

// Whether a browser that was lured to a name of a stranger's choosing (DNS rebinding) could not have sent this Host:
// only an IP address or localhost, with or without a port, is believed.
[[nodiscard]] bool is_local_host_header(std::string_view host);

}  // namespace app
