// How a connection to an endpoint is made: TCP, PROXY header, TLS.
#pragma once

#include <memory>

#include "proxy/backend_table.h"
#include "proxy/connection_facts.h"
#include "proxy/stats.h"
#include "proxy/transport.h"

namespace proxy {

struct DialFailure {
  base::Error error;
  UpstreamFailure failure;
};

// Within BackendTimeouts::connect. `endpoint` and `state` outlive the call.
[[nodiscard]] awaitable<std::expected<std::unique_ptr<Transport>, DialFailure>> dial(Worker& worker,
                                                                                     const BackendState& state,
                                                                                     const EndpointState& endpoint,
                                                                                     const ConnectionFacts& client);

}  // namespace proxy
