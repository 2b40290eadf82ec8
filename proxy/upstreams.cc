#include "proxy/upstreams.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "proxy/event.h"
#include "proxy/upstream_dial.h"
#include "proxy/worker.h"

namespace proxy {
namespace {

using SteadyClock = std::chrono::steady_clock;

// A connection idle for longer than this is looked at before it is used; a younger one that died is found by its use.
constexpr std::chrono::milliseconds trusted_idle{100};

bool same_way(const BackendState& a, const BackendState& b) {
  return a.config->protocol == b.config->protocol && a.config->tls == b.config->tls &&
         a.config->proxy_protocol == b.config->proxy_protocol && (a.tls == b.tls || a.config->tls == b.config->tls);
}

}  // namespace

// ---- UpstreamLease

UpstreamLease::UpstreamLease(UpstreamLease&& other) noexcept = default;

UpstreamLease& UpstreamLease::operator=(UpstreamLease&& other) noexcept {
  if (this == &other) return *this;
  release();
  pool_ = std::move(other.pool_);
  exchange_ = std::move(other.exchange_);
  address_ = other.address_;
  is_h1_ = other.is_h1_;
  failed_ = other.failed_;
  return *this;
}

UpstreamLease::~UpstreamLease() {
  release();
}

void UpstreamLease::release() noexcept {
  if (exchange_ == nullptr) return;
  const std::shared_ptr<BackendPool> pool = std::move(pool_);
  pool->give_back(*this);
  exchange_.reset();
}

// ---- BackendPool

struct BackendPool::Waiter {
  explicit Waiter(asio::io_context& io) : woken(io) {}
  Event woken;
  bool turn = false;
  bool late = false;
};

BackendPool::BackendPool(Worker& worker, std::shared_ptr<const BackendState> state) : worker_(worker) {
  balancer_.adopt(std::move(state));
}

BackendPool::~BackendPool() = default;

void BackendPool::adopt(std::shared_ptr<const BackendState> state) {
  const bool same = same_way(*state, balancer_.state());
  balancer_.adopt(std::move(state));
  for (auto& [address, pool] : endpoints_) {
    const bool listed = std::ranges::any_of(balancer_.state().endpoints,
                                            [&](const EndpointState& endpoint) { return endpoint.address == address; });
    if (same && listed) continue;
    pool.idle.clear();
    std::ranges::move(pool.shared, std::back_inserter(retired_));
    pool.shared.clear();
  }
  wake_one();
}

bool BackendPool::at_limit(const EndpointPool& pool) const noexcept {
  return pool.in_use >= config().limits.connections;
}

bool BackendPool::reusable_connections() const noexcept {
  return config().proxy_protocol == config::ProxyProtocolOut::off;
}

// The balancer is asked once for each attempt: asking turns its wheel.
std::optional<std::size_t> BackendPool::choose(Attempts& attempts) {
  if (const auto chosen = std::exchange(attempts.chosen, std::nullopt)) {
    const auto& endpoints = balancer_.state().endpoints;
    const auto found = std::ranges::find(endpoints, *chosen, &EndpointState::address);
    if (found != endpoints.end()) return static_cast<std::size_t>(found - endpoints.begin());
  }
  return pick_with_room(attempts);
}

std::optional<std::size_t> BackendPool::pick_with_room(const Attempts& attempts) {
  const auto now = worker_.deadlines().now();
  if (attempts.wanted && std::ranges::find(attempts.tried, *attempts.wanted) == attempts.tried.end()) {
    const auto wanted = balancer_.usable(*attempts.wanted, now);
    if (wanted && !at_limit(endpoints_[*attempts.wanted])) return wanted;
  }
  auto choice = balancer_.pick(now, attempts.tried);
  if (!choice || !at_limit(endpoints_[balancer_.state().endpoints[*choice].address])) return choice;
  // Full: whichever other one is not.
  std::vector<tcp::endpoint> passed(attempts.tried.begin(), attempts.tried.end());
  for (std::size_t round = 1; choice && round < balancer_.state().endpoints.size(); ++round) {
    passed.push_back(balancer_.state().endpoints[*choice].address);
    if (!balancer_.offers_another(passed)) break;
    choice = balancer_.pick(now, passed);
    if (choice && !at_limit(endpoints_[balancer_.state().endpoints[*choice].address])) return choice;
  }
  return choice;
}

UpstreamLease BackendPool::lease(const std::shared_ptr<BackendPool>& self, const EndpointState& endpoint,
                                 std::unique_ptr<UpstreamExchange> exchange, bool is_h1) {
  UpstreamLease lease;
  lease.pool_ = self;
  lease.exchange_ = std::move(exchange);
  lease.address_ = endpoint.address;
  lease.is_h1_ = is_h1;
  balancer_.begin(endpoint.address);
  return lease;
}

UpstreamLease BackendPool::take_idle(const std::shared_ptr<BackendPool>& self, const EndpointState& endpoint,
                                     const Attempts& attempts) {
  EndpointPool& pool = endpoints_[endpoint.address];
  std::erase_if(pool.shared, [](const auto& connection) { return connection->dead(); });
  for (const auto& connection : pool.shared) {
    if (!connection->can_begin()) continue;
    worker_.stats().upstream_connections_reused.add();
    return lease(self, endpoint, connection->begin(), false);
  }
  // Where one idle connection turned out to be closed, so may be the others.
  if (std::ranges::find(attempts.tried, endpoint.address) != attempts.tried.end()) return {};
  while (!pool.idle.empty() && !at_limit(pool)) {
    std::unique_ptr<H1Upstream> connection = std::move(pool.idle.back());
    pool.idle.pop_back();
    const auto idle = worker_.deadlines().now() - connection->idle_since;
    if (idle > config().limits.idle_for || (idle > trusted_idle && connection->stale())) continue;
    ++pool.in_use;
    worker_.stats().upstream_connections_reused.add();
    return lease(self, endpoint, std::move(connection), true);
  }
  return {};
}

UpstreamLease BackendPool::try_acquire(const std::shared_ptr<BackendPool>& pool, Attempts& attempts) {
  if (!pool->queue_.empty()) return {};
  const auto choice = pool->choose(attempts);
  if (!choice) return {};
  const EndpointState& endpoint = pool->balancer_.state().endpoints[*choice];
  UpstreamLease found = pool->take_idle(pool, endpoint, attempts);
  if (!found) attempts.chosen = endpoint.address;
  if (found) {
    attempts.tried.push_back(endpoint.address);
    attempts.endpoint = endpoint.name;
  }
  return found;
}

awaitable<base::Result<UpstreamLease>> BackendPool::acquire(std::shared_ptr<BackendPool> pool, Attempts& attempts,
                                                            const ConnectionFacts& client) {
  for (;;) {
    const auto choice = pool->choose(attempts);
    if (!choice) {
      attempts.failure = UpstreamFailure::no_endpoint;
      co_return base::fail(base::Code::unreachable, "backend " + pool->config().name + ": no endpoint",
                           base::Origin::upstream, base::Retry::later);
    }
    // A copy: the state may be replaced while this waits.
    const std::shared_ptr<const BackendState> state = pool->balancer_.shared_state();
    const EndpointState& endpoint = state->endpoints[*choice];
    if (UpstreamLease found = pool->take_idle(pool, endpoint, attempts)) {
      attempts.tried.push_back(endpoint.address);
      attempts.endpoint = endpoint.name;
      co_return found;
    }
    EndpointPool& mine = pool->endpoints_[endpoint.address];
    const bool h2 = state->config->protocol == config::UpstreamProtocol::http2;
    if (pool->at_limit(mine) || (h2 && mine.connecting > 0)) {
      if (pool->queue_.size() >= pool->config().limits.queue) {
        attempts.failure = UpstreamFailure::queue_full;
        co_return base::fail(base::Code::overloaded, "backend " + pool->config().name + ": the queue is full",
                             base::Origin::upstream, base::Retry::later);
      }
      const auto asked = SteadyClock::now();
      auto turn = co_await pool->wait_in_queue();
      attempts.queued += SteadyClock::now() - asked;
      if (!turn) {
        attempts.failure = UpstreamFailure::queue_timeout;
        co_return std::unexpected(std::move(turn.error()));
      }
      continue;
    }
    ++mine.in_use;
    if (h2) ++mine.connecting;
    attempts.tried.push_back(endpoint.address);
    attempts.endpoint = endpoint.name;
    auto dialed = co_await dial(pool->worker_, *state, endpoint, client);
    EndpointPool& now_mine = pool->endpoints_[endpoint.address];  // the map may have moved on, its nodes do not
    if (h2) --now_mine.connecting;
    if (!dialed) {
      --now_mine.in_use;
      attempts.failure = dialed.error().failure;
      pool->balancer_.begin(endpoint.address);
      pool->balancer_.end(endpoint.address, pool->worker_.deadlines().now(), true);
      pool->wake_one();
      co_return std::unexpected(std::move(dialed.error().error));
    }
    if (!h2) {
      auto connection =
          std::make_unique<H1Upstream>(pool->worker_, std::move(*dialed), ConnectionCount(endpoint.stats));
      co_return pool->lease(pool, endpoint, std::move(connection), true);
    }
    --now_mine.in_use;
    const std::weak_ptr<BackendPool> weak = pool;
    // Counted for as long as the connection keeps this notice.
    auto notice = [weak, count = ConnectionCount(endpoint.stats)] {
      if (const auto alive = weak.lock()) alive->wake_one();
    };
    auto connection = make_h2_upstream(pool->worker_, std::move(*dialed), std::move(notice));
    if (pool->reusable_connections()) now_mine.shared.push_back(connection);
    UpstreamLease fresh = pool->lease(pool, endpoint, connection->begin(), false);
    while (!pool->queue_.empty() && connection->can_begin()) {
      const std::size_t waiting = pool->queue_.size();
      pool->wake_one();
      if (pool->queue_.size() == waiting) break;
    }
    co_return fresh;
  }
}

awaitable<base::Result<void>> BackendPool::wait_in_queue() {
  Waiter waiter(worker_.io());
  queue_.push_back(&waiter);
  Deadline deadline(worker_.deadlines(), [&waiter] {
    waiter.late = true;
    waiter.woken.notify();
  });
  deadline.arm(config().limits.queue_timeout);
  co_await waiter.woken.wait();
  if (waiter.turn) co_return base::Result<void>{};
  std::erase(queue_, &waiter);
  co_return base::fail(base::Code::overloaded, "backend " + config().name + ": no connection became free in time",
                       base::Origin::upstream, base::Retry::later);
}

void BackendPool::wake_one() {
  if (queue_.empty()) return;
  Waiter* first = queue_.front();
  queue_.pop_front();
  first->turn = true;
  first->woken.notify();
}

void BackendPool::give_back(UpstreamLease& lease) noexcept {
  const auto now = worker_.deadlines().now();
  balancer_.end(lease.address_, now, lease.failed_);
  if (lease.is_h1_) {
    EndpointPool& pool = endpoints_[lease.address_];
    --pool.in_use;
    std::unique_ptr<H1Upstream> connection(static_cast<H1Upstream*>(lease.exchange_.release()));
    const bool listed = std::ranges::any_of(
        balancer_.state().endpoints, [&](const EndpointState& endpoint) { return endpoint.address == lease.address_; });
    if (listed && reusable_connections() && connection->reusable() &&
        pool.idle.size() < config().limits.idle_connections) {
      connection->idle_since = now;
      pool.idle.push_back(std::move(connection));
    }
  }
  wake_one();
}

void BackendPool::sweep(SteadyClock::time_point now) {
  for (auto& [address, pool] : endpoints_) {
    std::erase_if(pool.idle, [&](const std::unique_ptr<H1Upstream>& connection) {
      const auto idle = now - connection->idle_since;
      return idle > config().limits.idle_for || (idle > trusted_idle && connection->stale());
    });
    std::erase_if(pool.shared, [&](const auto& connection) { return connection->dead(); });
  }
  std::erase_if(retired_, [](const auto& connection) { return connection->running() == 0; });
  std::erase_if(endpoints_, [&](const auto& entry) {
    const EndpointPool& pool = entry.second;
    return pool.in_use == 0 && pool.connecting == 0 && pool.idle.empty() && pool.shared.empty();
  });
}

void BackendPool::close(const base::Error& error) {
  for (auto& [address, pool] : endpoints_) {
    pool.idle.clear();
    for (const auto& connection : pool.shared) connection->close(error);
    pool.shared.clear();
  }
  for (const auto& connection : retired_) connection->close(error);
  while (!queue_.empty()) wake_one();
}

// ---- Upstreams

Upstreams::Upstreams(Worker& worker) : worker_(worker) {}
Upstreams::~Upstreams() = default;

void Upstreams::adopt(const Snapshot& snapshot) {
  static const RouteTable no_routes;
  static const BackendTable no_backends;
  adopt_backends(snapshot.backends ? *snapshot.backends : no_backends);
  adopt_routes(snapshot.routes ? *snapshot.routes : no_routes);
  backends_ = snapshot.backends;
  routes_ = snapshot.routes;
}

void Upstreams::adopt_backends(const BackendTable& backends) {
  static const BackendTable nothing;
  using State = std::shared_ptr<const BackendState>;
  const auto take = [this](const std::string& name, const State* /*then*/, const State* now) {
    std::shared_ptr<BackendPool> pool;
    if (now == nullptr) {
      pools_.erase(name);
    } else if (auto& known = pools_[name]; known != nullptr) {
      known->adopt(*now);
      pool = known;
    } else {
      pool = known = std::make_shared<BackendPool>(worker_, *now);
    }
    if (const auto number = numbers_.find(name); number != numbers_.end()) by_number_[number->second] = pool;
  };
  backends.for_each_difference(backends_ ? *backends_ : nothing, take);
}

void Upstreams::adopt_routes(const RouteTable& routes) {
  static const RouteTable nothing;
  routes.for_each_change(routes_ ? *routes_ : nothing, [this](const CompiledRoute& route) {
    const auto* const to = std::get_if<config::ToBackend>(&route.config.action);
    if (to == nullptr) return;
    if (route.index >= by_number_.size()) {
      by_number_.resize(route.index + 1);
      names_.resize(route.index + 1);
    }
    if (std::string& name = names_[route.index]; name != to->backend) {
      // Nobody has had the number for a while: it is somebody else's now.
      if (const auto before = numbers_.find(name); before != numbers_.end() && before->second == route.index) {
        numbers_.erase(before);
      }
      name = to->backend;
      numbers_.insert_or_assign(name, route.index);
    }
    const auto pool = pools_.find(to->backend);
    by_number_[route.index] = pool == pools_.end() ? nullptr : pool->second;
  });
}

void Upstreams::sweep(SteadyClock::time_point now) {
  for (auto& [name, pool] : pools_) pool->sweep(now);
}

void Upstreams::close(const base::Error& error) {
  for (auto& [name, pool] : pools_) pool->close(error);
}

}  // namespace proxy
