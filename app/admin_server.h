// AdminServer: HTTP/1.1 for the admin endpoint, on a thread of its own. Never touches a worker.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "app/admin_endpoint.h"
#include "app/server_thread.h"
#include "base/error.h"
#include "config/config.h"

namespace app {

class AdminServer {
 public:
  using Handler = std::function<AdminAnswer(const AdminRequest&)>;

  struct Options {
    config::SocketAddress address;  // on loopback, requests whose Host is no IP address and not localhost get 403
    Handler handler;                // runs on the server's thread
    std::size_t connections = 64;   // for a further one the connection is closed that was not answered for longest
    std::chrono::milliseconds timeout{10'000};  // for one request and its answer, and for an idle connection
  };

  // Listens when it returns. Errors: io (address in use, no right), with the address in the text.
  [[nodiscard]] static base::Result<std::unique_ptr<AdminServer>> start(Options options);
  // Closes all connections, and joins.
  ~AdminServer();
  AdminServer(const AdminServer&) = delete;
  AdminServer& operator=(const AdminServer&) = delete;

  // With the real port.
  [[nodiscard]] const config::SocketAddress& address() const noexcept { return thread_->address(); }

 private:
  AdminServer();
  class Service;
  std::unique_ptr<Service> service_;
  std::unique_ptr<ServerThread> thread_;  // ends first: it uses the service
};

}  // namespace app
