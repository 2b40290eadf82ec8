// UpstreamConnection: one connection to one endpoint, kept in a pool (proxy/upstreams.h) between exchanges.
#pragma once

#include <functional>
#include <memory>

#include "proxy/upstream_exchange.h"

namespace proxy {

class Transport;
class Worker;

class UpstreamConnection {
 public:
  virtual ~UpstreamConnection() = default;
  // Whether begin() may be called now: alive, and a stream is free.
  [[nodiscard]] virtual bool can_begin() const = 0;
  // Exchanges that run on it.
  [[nodiscard]] virtual std::size_t running() const = 0;
  // Dead connections are dropped by the pool.
  [[nodiscard]] virtual bool dead() const = 0;
  // A new exchange. It must end before the connection is destroyed.
  [[nodiscard]] virtual std::unique_ptr<UpstreamExchange> begin() = 0;
  // Ends all exchanges with the error and closes.
  virtual void close(const base::Error& error) = 0;
};

// Called by a connection when something the pool should know has changed (an exchange ended, it died, streams are
// free).
using PoolNotice = std::move_only_function<void()>;

// Over HTTP/2 (h2c or ALPN h2). Its reading coroutine is spawned on the worker and ends before the destructor returns
// control to the pool.
[[nodiscard]] std::shared_ptr<UpstreamConnection> make_h2_upstream(Worker& worker, std::unique_ptr<Transport> transport,
                                                                   PoolNotice notice);

}  // namespace proxy
