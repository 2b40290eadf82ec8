#include "proxy/backend_monitor.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <exception>
#include <future>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <utility>

#include "base/log.h"
#include "proxy/backend_states.h"
#include "proxy/health_checker.h"
#include "proxy/tls_upstream.h"

namespace proxy {
namespace {

constexpr auto as_result = asio::as_tuple(use_awaitable);

// One coroutine that goes on until it is told to stop: it looks at `stopped` after each wait.
struct Watch {
  explicit Watch(asio::io_context& io) : timer(io) {}
  void stop() {
    stopped = true;
    timer.cancel();
  }
  asio::steady_timer timer;
  bool stopped = false;
};

struct NameWatch : Watch {
  using Watch::Watch;
  bool asked = false;  // the first answer has come, good or bad
};

struct CheckWatch : Watch {
  CheckWatch(asio::io_context& io, HealthTarget of)
      : Watch(io), target(std::move(of)), threshold(rule().healthy_after, rule().unhealthy_after) {}
  [[nodiscard]] const config::HealthCheck& rule() const { return *target.backend->health_check; }
  HealthTarget target;
  HealthThreshold threshold;
};

// Whether a check can go on as it is.
bool same_check(const HealthTarget& a, const HealthTarget& b) {
  return a.tls == b.tls && a.host == b.host && a.authority == b.authority &&
         a.backend->protocol == b.backend->protocol && a.backend->host_header == b.backend->host_header &&
         a.backend->health_check == b.backend->health_check;
}

void log_escaped(const std::exception_ptr& escaped) {
  if (!escaped) return;
  try {
    std::rethrow_exception(escaped);
  } catch (const std::exception& error) {
    base::log::error("backend monitor: a task ended with an exception", {{"what", error.what()}});
  }
}

}  // namespace

// Everything but table() and configure() happens on its thread.
class BackendMonitor::Loop {
 public:
  Loop(Publish publish, Resolver::Options options)
      : publish_(std::move(publish)), resolver_(io_, std::move(options)), thread_([this] { run(); }) {}

  ~Loop() {
    io_.stop();
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void configure(ConfiguredBackends backends, std::chrono::milliseconds patience) {
    std::promise<void> resolved;
    auto ready = resolved.get_future();
    asio::post(io_, [this, next = std::move(backends), waiter = std::move(resolved)]() mutable {
      ready_.push_back(std::move(waiter));
      adopt(std::move(next));
      tell_if_ready();
    });
    ready.wait_for(patience);
    std::promise<void> published;
    auto done = published.get_future();
    asio::post(io_, [this, waiter = std::move(published)]() mutable {
      ready_.clear();
      update();
      publish_(table());
      waiter.set_value();
    });
    done.wait();
  }

  [[nodiscard]] std::shared_ptr<const BackendTable> table() const {
    const std::lock_guard lock(mutex_);
    return table_;
  }

 private:
  void run() {
    // Signals are for the main thread; OpenSSL writes to sockets without MSG_NOSIGNAL.
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    io_.run();
  }

  template <class Task>
  void spawn(Task task) {
    asio::co_spawn(io_, std::move(task), [](const std::exception_ptr& escaped) { log_escaped(escaped); });
  }

  void adopt(ConfiguredBackends backends) {
    backends_ = std::move(backends);
    std::set<std::string> wanted;
    for (const auto& [name, backend] : backends_) {
      for (const config::Endpoint& endpoint : backend.config->endpoints) {
        if (!is_address(endpoint.host)) wanted.insert(endpoint.host);
      }
    }
    std::erase_if(name_watches_, [&](auto& entry) {
      if (wanted.contains(entry.first)) return false;
      entry.second->stop();
      names_.erase(entry.first);
      return true;
    });
    for (const std::string& host : wanted) {
      if (name_watches_.contains(host)) continue;
      auto watch = std::make_shared<NameWatch>(io_);
      name_watches_.emplace(host, watch);
      spawn(follow_name(host, watch));
    }
    refresh_checks();
  }

  // RFC 2181 §8: an answer is good for its TTL. A failure keeps what was known.
  awaitable<void> follow_name(std::string host, std::shared_ptr<NameWatch> watch) {
    unsigned failures = 0;
    while (!watch->stopped) {
      auto answer = co_await resolver_.resolve(host);
      if (watch->stopped) co_return;
      std::chrono::seconds again = resolve_backoff(failures);
      NameState& state = names_[host];
      if (answer) {
        failures = 0;
        again = answer->ttl;
        state.addresses = std::move(answer->addresses);
        state.problem.clear();
      } else {
        ++failures;
        if (state.problem.empty())
          base::log::warning("a backend's name does not resolve", {{"problem", answer.error().what}});
        state.problem = answer.error().what;
      }
      watch->asked = true;
      tell_if_ready();
      refresh();
      watch->timer.expires_after(again);
      const auto [ended] = co_await watch->timer.async_wait(as_result);
      if (ended) co_return;
    }
  }

  // configure() waits for the first answers of all names.
  void tell_if_ready() {
    if (!std::ranges::all_of(name_watches_, [](const auto& entry) { return entry.second->asked; })) return;
    for (std::promise<void>& waiter : std::exchange(ready_, {})) waiter.set_value();
  }

  // Publishes what is known now, if it differs from what was published; not before configure() has waited for the
  // names.
  void refresh() {
    if (ready_.empty() && update()) publish_(table());
  }

  // True if the table has changed.
  bool update() {
    refresh_checks();
    auto next = states_.build(table(), backends_, names_, checks_);
    const std::lock_guard lock(mutex_);
    return std::exchange(table_, next) != next;
  }

  // One check for each endpoint that there is now.
  void refresh_checks() {
    std::map<CheckKey, HealthTarget> wanted;
    const auto current = states_.build(table(), backends_, names_, checks_);
    for (const auto& [name, state] : *current) {
      if (!state->config->health_check) continue;
      for (const EndpointState& endpoint : state->endpoints) {
        wanted.emplace(CheckKey{name, endpoint.address},
                       HealthTarget{state->config, endpoint.address, endpoint.host, endpoint.name, state->tls});
      }
    }
    std::erase_if(check_watches_, [&](auto& entry) {
      const auto still = wanted.find(entry.first);
      if (still != wanted.end() && same_check(still->second, entry.second->target)) return false;
      entry.second->stop();
      // A changed check begins again from what is known of the endpoint.
      if (still == wanted.end()) checks_.erase(entry.first);
      return true;
    });
    for (auto& [key, target] : wanted) {
      if (check_watches_.contains(key)) continue;
      auto watch = std::make_shared<CheckWatch>(io_, std::move(target));
      if (const auto known = checks_.find(key); known != checks_.end())
        watch->threshold.start_as(known->second.healthy);
      check_watches_.emplace(key, watch);
      spawn(follow_health(key, watch));
    }
  }

  awaitable<void> follow_health(CheckKey key, std::shared_ptr<CheckWatch> watch) {
    while (!watch->stopped) {
      const auto result = co_await check_health(io_, watch->target);
      if (watch->stopped) co_return;
      const bool turned = watch->threshold.observe(result.has_value());
      CheckState& state = checks_[key];
      state.healthy = watch->threshold.healthy();
      state.problem = result ? std::string() : result.error().what;
      if (turned) {
        base::log::warning(
            state.healthy ? "an endpoint is healthy again" : "an endpoint is unhealthy",
            {{"backend", key.backend}, {"endpoint", watch->target.authority}, {"problem", state.problem}});
      }
      refresh();
      watch->timer.expires_after(jittered(watch->rule().interval, std::uniform_real_distribution()(random_)));
      const auto [ended] = co_await watch->timer.async_wait(as_result);
      if (ended) co_return;
    }
  }

  Publish publish_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  Resolver resolver_;
  BackendStates states_;
  ConfiguredBackends backends_;
  NameStates names_;
  CheckStates checks_;
  std::map<std::string, std::shared_ptr<NameWatch>> name_watches_;
  std::map<CheckKey, std::shared_ptr<CheckWatch>> check_watches_;
  std::vector<std::promise<void>> ready_;
  std::minstd_rand random_{std::random_device{}()};
  mutable std::mutex mutex_;
  std::shared_ptr<const BackendTable> table_ = std::make_shared<const BackendTable>();  // under mutex_
  std::jthread thread_;
};

BackendMonitor::BackendMonitor(Publish publish) : BackendMonitor(std::move(publish), Resolver::Options{}) {}

BackendMonitor::BackendMonitor(Publish publish, Resolver::Options resolver)
    : loop_(std::make_unique<Loop>(std::move(publish), std::move(resolver))) {}

BackendMonitor::~BackendMonitor() = default;

base::Result<void> BackendMonitor::configure(const std::map<std::string, config::Backend>& backends,
                                             std::chrono::milliseconds patience) {
  ConfiguredBackends loaded;
  for (const auto& [name, backend] : backends) {
    ConfiguredBackend& entry = loaded[name];
    entry.config = std::make_shared<const config::Backend>(backend);
    if (!backend.tls) continue;
    auto tls = UpstreamTlsMaterial::load(*backend.tls);
    if (!tls) return std::unexpected(std::move(tls.error()).in("backend " + name));
    entry.tls = *std::move(tls);
  }
  loop_->configure(std::move(loaded), patience);
  return {};
}

std::shared_ptr<const BackendTable> BackendMonitor::table() const {
  return loop_->table();
}

}  // namespace proxy
