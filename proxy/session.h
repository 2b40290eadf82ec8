// A session speaks one protocol on one client connection and turns it into exchanges.
#pragma once

#include <chrono>
#include <functional>

#include "proxy/asio.h"
#include "proxy/connection_facts.h"

namespace proxy {

class Worker;
class Transport;

// What a session needs; all of it outlives the session.
struct SessionContext {
  Worker& worker;
  Transport& transport;
  const ConnectionFacts& facts;
  // Set by the connection when drain begins, followed by a call of on_drain of the session.
  bool draining = false;
  unsigned& served;                          // requests of this connection, by sessions before this one too
  std::move_only_function<void()> on_drain;  // a session puts its own here
};

// How long a session waits for the next request of its client before it ends and the connection is parked: shorter, and
// clients that go on at once would pay for it; longer, and those that do not would keep their memory.
constexpr std::chrono::milliseconds park_after{200};
// While draining: how long a connection without a request may still send one, which is answered with `Connection:
// close`. Closing at once would meet requests that are on their way.
constexpr std::chrono::milliseconds last_request_time{1000};

// idle: the connection goes on, and nothing of a next request has been read.
enum class SessionEnd : std::uint8_t { closed, idle };

// Serves requests until the connection ends or is idle; then everything is sent or given up, no coroutine of it runs
// any more.
[[nodiscard]] awaitable<SessionEnd> serve_h1(SessionContext& context);
// `preface`: bytes that were read already (prior knowledge on a plain listener).
[[nodiscard]] awaitable<void> serve_h2(SessionContext& context);

class Exchange;
// The line in the access log of a request that a session answered itself, without Forwarding.
void log_refused(Worker& worker, Exchange& exchange, unsigned status);

}  // namespace proxy
