// Upstreams: the connections of one worker to all backends, kept for reuse. That worker's thread only.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/container/small_vector.hpp>

#include "proxy/balancer.h"
#include "proxy/connection_facts.h"
#include "proxy/h1_upstream.h"
#include "proxy/snapshot.h"
#include "proxy/upstream_connection.h"

namespace proxy {

class Worker;
class BackendPool;

// An exchange with an endpoint, counted there until it is destroyed. Given back to its pool then.
class UpstreamLease {
 public:
  UpstreamLease() = default;
  UpstreamLease(UpstreamLease&& other) noexcept;
  UpstreamLease& operator=(UpstreamLease&& other) noexcept;
  ~UpstreamLease();

  [[nodiscard]] explicit operator bool() const noexcept { return exchange_ != nullptr; }
  [[nodiscard]] UpstreamExchange& operator*() const noexcept { return *exchange_; }
  [[nodiscard]] UpstreamExchange* operator->() const noexcept { return exchange_.get(); }
  // The endpoint did badly: counts towards its ejection.
  void blame() noexcept { failed_ = true; }

 private:
  friend class BackendPool;
  void release() noexcept;

  std::shared_ptr<BackendPool> pool_;
  std::unique_ptr<UpstreamExchange> exchange_;
  tcp::endpoint address_;
  bool is_h1_ = false;
  bool failed_ = false;
};

// What a request has tried so far.
struct Attempts {
  boost::container::small_vector<tcp::endpoint, 2> tried;  // most need one, and no allocation for it
  std::string endpoint;                                    // the name of the newest one
  std::optional<tcp::endpoint> chosen;                     // by the balancer, not tried yet
  std::optional<tcp::endpoint> wanted;                     // where a cookie leads, to be tried first
  UpstreamFailure failure = UpstreamFailure::no_endpoint;  // of the newest failed acquire()
  std::chrono::nanoseconds queued{};                       // for a connection to become free, over all attempts
};

// One backend. Held by Upstreams and by every request that uses it, so that a removed backend ends with its last
// request.
class BackendPool {
 public:
  BackendPool(Worker& worker, std::shared_ptr<const BackendState> state);
  ~BackendPool();
  BackendPool(const BackendPool&) = delete;
  BackendPool& operator=(const BackendPool&) = delete;

  void adopt(std::shared_ptr<const BackendState> state);
  [[nodiscard]] const config::Backend& config() const noexcept { return *balancer_.state().config; }
  [[nodiscard]] const BackendState& state() const noexcept { return balancer_.state(); }
  [[nodiscard]] RetryBudget& retry_budget() noexcept { return retry_budget_; }

  // Whether there is an endpoint that the request has not been sent to.
  [[nodiscard]] bool offers_another(const Attempts& attempts) const noexcept {
    return balancer_.offers_another(attempts.tried);
  }

  // A connection that is there and idle, without waiting; none if one must be made or waited for.
  [[nodiscard]] static UpstreamLease try_acquire(const std::shared_ptr<BackendPool>& pool, Attempts& attempts);
  // Connects, or waits in the queue. Errors: unreachable, timeout, tls (Retry::fresh_connection: another endpoint may
  // do), overloaded (queue full or waited too long). `client`: for a PROXY header.
  [[nodiscard]] static awaitable<base::Result<UpstreamLease>> acquire(std::shared_ptr<BackendPool> pool,
                                                                      Attempts& attempts,
                                                                      const ConnectionFacts& client);
  // Closes idle connections that are too old or dead.
  void sweep(std::chrono::steady_clock::time_point now);
  // Everything: idle connections now, running exchanges with `error`.
  void close(const base::Error& error);

 private:
  friend class UpstreamLease;
  struct EndpointPool {
    std::vector<std::unique_ptr<H1Upstream>> idle;            // newest last
    std::vector<std::shared_ptr<UpstreamConnection>> shared;  // HTTP/2
    unsigned in_use = 0;                                      // HTTP/1 exchanges, and connections being made
    unsigned connecting = 0;                                  // HTTP/2 connections being made
  };
  struct Waiter;

  [[nodiscard]] std::optional<std::size_t> choose(Attempts& attempts);
  [[nodiscard]] std::optional<std::size_t> pick_with_room(const Attempts& attempts);
  [[nodiscard]] bool at_limit(const EndpointPool& pool) const noexcept;
  [[nodiscard]] bool reusable_connections() const noexcept;
  [[nodiscard]] UpstreamLease take_idle(const std::shared_ptr<BackendPool>& self, const EndpointState& endpoint,
                                        const Attempts& attempts);
  [[nodiscard]] UpstreamLease lease(const std::shared_ptr<BackendPool>& self, const EndpointState& endpoint,
                                    std::unique_ptr<UpstreamExchange> exchange, bool is_h1);
  [[nodiscard]] awaitable<base::Result<void>> wait_in_queue();
  void give_back(UpstreamLease& lease) noexcept;
  void wake_one();

  Worker& worker_;
  Balancer balancer_;
  RetryBudget retry_budget_;
  std::map<tcp::endpoint, EndpointPool> endpoints_;
  std::vector<std::shared_ptr<UpstreamConnection>> retired_;  // HTTP/2, no longer wanted, with streams still running
  std::deque<Waiter*> queue_;
};

class Upstreams {
 public:
  explicit Upstreams(Worker& worker);
  ~Upstreams();

  // Costs what differs from the snapshot before. A pool whose way of speaking to its endpoints is unchanged keeps its
  // connections.
  void adopt(const Snapshot& snapshot);
  // By CompiledRoute::index, of a route of the last snapshot. Null: the route goes to no backend, or to one that is not
  // there.
  [[nodiscard]] const std::shared_ptr<BackendPool>& of_route(std::size_t index) const noexcept {
    return by_number_[index < by_number_.size() ? index : 0];
  }
  void sweep(std::chrono::steady_clock::time_point now);
  void close(const base::Error& error);

 private:
  void adopt_routes(const RouteTable& routes);
  void adopt_backends(const BackendTable& backends);

  Worker& worker_;
  std::shared_ptr<const RouteTable> routes_;      // of the last snapshot
  std::shared_ptr<const BackendTable> backends_;  // of the last snapshot
  std::map<std::string, std::shared_ptr<BackendPool>, std::less<>> pools_;
  std::map<std::string, std::size_t, std::less<>> numbers_;       // of the backends that routes have named
  std::vector<std::string> names_{""};                            // by number, the other way round
  std::vector<std::shared_ptr<BackendPool>> by_number_{nullptr};  // 0: none
};

}  // namespace proxy
