// HealthChecker: asks one endpoint whether it is well. HealthThreshold: what is made of its answers. Thread of the
// io_context.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/config.h"
#include "proxy/asio.h"

namespace proxy {

class UpstreamTlsMaterial;

// Pure: counts answers one after the other.
class HealthThreshold {
 public:
  HealthThreshold(unsigned healthy_after, unsigned unhealthy_after)
      : healthy_after_(healthy_after), unhealthy_after_(unhealthy_after) {}
  // What was known before the first answer; healthy if this is not called.
  void start_as(bool healthy) noexcept { healthy_ = healthy; }
  // True if this answer has turned healthy().
  bool observe(bool well) noexcept;
  [[nodiscard]] bool healthy() const noexcept { return healthy_; }

 private:
  unsigned healthy_after_, unhealthy_after_;
  unsigned in_a_row_ = 0;  // answers that contradict healthy_
  bool healthy_ = true;
};

struct HealthTarget {
  std::shared_ptr<const config::Backend> backend;  // with a health_check
  tcp::endpoint address;
  std::string host;                                // of the endpoint, as configured: SNI
  std::string authority;                           // for the Host field unless the check or the backend names another
  std::shared_ptr<const UpstreamTlsMaterial> tls;  // null: plain
};

// One check, within its timeout: GET over HTTP/1.1, over TLS if the backend has it. A backend that speaks HTTP/2 is
// well if it accepts a connection. Errors say what was wrong.
[[nodiscard]] awaitable<base::Result<void>> check_health(asio::io_context& io, HealthTarget target);

// The status of "HTTP/1.1 200 OK…"; 0 if the text is no such thing, or too short for it. What a backend sends.
[[nodiscard]] unsigned parse_status(std::string_view text) noexcept;

// The interval, a tenth more or less, so that many checks do not fall together. `random` in [0, 1).
[[nodiscard]] std::chrono::milliseconds jittered(std::chrono::milliseconds interval, double random) noexcept;

}  // namespace proxy
