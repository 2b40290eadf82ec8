// A session speaks one protocol on one client connection and turns it into exchanges.
#pragma once

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
  std::move_only_function<void()> on_drain;  // a session puts its own here
};

// Serves requests until the connection ends; then everything is sent or given up, no coroutine of it runs any more.
[[nodiscard]] awaitable<void> serve_h1(SessionContext& context);
// `preface`: bytes that were read already (prior knowledge on a plain listener).
[[nodiscard]] awaitable<void> serve_h2(SessionContext& context);

class Exchange;
// The line in the access log of a request that a session answered itself, without Forwarding.
void log_refused(Worker& worker, Exchange& exchange, unsigned status);

}  // namespace proxy
