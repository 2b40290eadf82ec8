// EchoBackend: a small HTTP/1.1 server that answers with what it received, as JSON, and echoes WebSocket messages. What
// `sekisho proxy` stands in front of when it is given nothing else.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>

#include "app/server_thread.h"
#include "base/error.h"
#include "config/config.h"

namespace app {

class EchoBackend {
 public:
  // Bytes of a request body that are shown in the answer; all are counted.
  static constexpr std::size_t shown_body_bytes = 64U << 10U;

  // Listens on a free port of 127.0.0.1, on a thread of its own, until it is destroyed.
  [[nodiscard]] static base::Result<std::unique_ptr<EchoBackend>> start();

  [[nodiscard]] const config::SocketAddress& address() const noexcept { return server_->address(); }

 private:
  explicit EchoBackend(std::unique_ptr<ServerThread> server) : server_(std::move(server)) {}
  std::unique_ptr<ServerThread> server_;
};

}  // namespace app
