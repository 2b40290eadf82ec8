// Pauses: how often a server is asked how far it is. RFC 8555 §7.5.1.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string_view>

#include "acme/failure.h"

namespace acme {

// What the server says (Retry-After), else a pause that doubles from half a second to ten; five minutes in all. What is
// not done then is gone on with at the next attempt.
class Pauses {
 public:
  // False: stopped. Empty: the clock on the wall.
  using Wait = std::function<bool(std::chrono::milliseconds, std::stop_token)>;
  Pauses(Wait wait, std::stop_token stop);

  // Errors: timeout ("`meanwhile` after 300 s"), cancelled. Blocking.
  Outcome<void> wait(std::optional<std::chrono::seconds> retry_after, std::string_view meanwhile);

 private:
  Wait wait_;
  std::stop_token stop_;
  std::chrono::milliseconds pause_{500};
  std::chrono::milliseconds waited_{0};
};

}  // namespace acme
