#include "proxy/endpoint_checks.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <utility>

#include "base/log.h"
#include "proxy/health_checker.h"
#include "proxy/monitor_watch.h"

namespace proxy {
namespace {

constexpr auto as_result = asio::as_tuple(use_awaitable);

// Whether a check can go on as it is.
bool same_check(const HealthTarget& a, const HealthTarget& b) {
  return a.tls == b.tls && a.host == b.host && a.authority == b.authority &&
         a.backend->protocol == b.backend->protocol && a.backend->host_header == b.backend->host_header &&
         a.backend->health_check == b.backend->health_check;
}

}  // namespace

struct EndpointChecks::Watch : MonitorWatch {
  Watch(asio::io_context& io, HealthTarget of)
      : MonitorWatch(io), target(std::move(of)), threshold(rule().healthy_after, rule().unhealthy_after) {}
  [[nodiscard]] const config::HealthCheck& rule() const { return *target.backend->health_check; }
  HealthTarget target;
  HealthThreshold threshold;
};

EndpointChecks::EndpointChecks(asio::io_context& io, std::function<void(const std::string& backend)> changed)
    : io_(io), changed_(std::move(changed)) {}
EndpointChecks::~EndpointChecks() = default;

void EndpointChecks::follow(const std::string& name, const BackendState* state) {
  std::map<CheckKey, HealthTarget> wanted;
  if (state != nullptr && state->config->health_check) {
    for (const EndpointState& endpoint : state->endpoints) {
      wanted.emplace(CheckKey{name, endpoint.address},
                     HealthTarget{state->config, endpoint.address, endpoint.host, endpoint.name, state->tls});
    }
  }
  auto running = watches_.lower_bound(CheckKey{name, {}});
  while (running != watches_.end() && running->first.backend == name) {
    const auto still = wanted.find(running->first);
    if (still != wanted.end() && same_check(still->second, running->second->target)) {
      ++running;
      continue;
    }
    running->second->stop();
    // A changed check begins again from what is known of the endpoint.
    if (still == wanted.end()) found_.erase(running->first);
    running = watches_.erase(running);
  }
  for (auto& [key, target] : wanted) {
    if (watches_.contains(key)) continue;
    auto watch = std::make_shared<Watch>(io_, std::move(target));
    if (const auto known = found_.find(key); known != found_.end()) watch->threshold.start_as(known->second.healthy);
    watches_.emplace(key, watch);
    spawn_logged(io_, go_on(key, watch));
  }
}

awaitable<void> EndpointChecks::go_on(CheckKey key, std::shared_ptr<Watch> watch) {
  while (!watch->stopped) {
    const auto result = co_await check_health(io_, watch->target);
    if (watch->stopped) co_return;
    const bool turned = watch->threshold.observe(result.has_value());
    CheckState& state = found_[key];
    const CheckState before = std::exchange(
        state, {.healthy = watch->threshold.healthy(), .problem = result ? std::string() : result.error().what});
    if (turned) {
      base::log::warning(state.healthy ? "an endpoint is healthy again" : "an endpoint is unhealthy",
                         {{"backend", key.backend}, {"endpoint", watch->target.authority}, {"problem", state.problem}});
    }
    if (state != before) changed_(key.backend);
    watch->timer.expires_after(jittered(watch->rule().interval, std::uniform_real_distribution()(random_)));
    const auto [ended] = co_await watch->timer.async_wait(as_result);
    if (ended) co_return;
  }
}

}  // namespace proxy
