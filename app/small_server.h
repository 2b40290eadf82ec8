// SmallServer: HTTP/1.1, with TLS or without, for the small endpoints of the control plane (admin, admission webhook),
// on a thread of its own. Never touches a worker. What strangers can make it hold is bounded: connections, and the
// bytes of each.
#pragma once

#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>

#include "app/admin_endpoint.h"
#include "app/server_thread.h"
#include "base/error.h"
#include "certstore/certificate.h"
#include "config/config.h"

namespace app {

class SmallServer {
 public:
  using Handler = std::function<AdminAnswer(const AdminRequest&)>;

  struct Options {
    std::string name = "admin endpoint";  // in errors and logs
    config::SocketAddress address;        // on loopback, requests whose Host is no IP address and not localhost get 403
    Handler handler;                      // runs on the server's thread
    std::size_t connections = 64;  // for a further one the connection is closed that was not answered for longest
    std::chrono::milliseconds timeout{10'000};  // for one request and its answer, and for an idle connection
    std::size_t largest_body = 16U << 10U;      // of a request; a larger one gets 413
    // With TLS: what is shown to the next connection, of any name; one that comes while it is null is closed. Runs on
    // the server's thread. No function: no TLS.
    std::function<certstore::CertificatePtr()> certificate = {};
  };

  // Listens when it returns. Errors: io (address in use, no right), with the address in the text.
  [[nodiscard]] static base::Result<std::unique_ptr<SmallServer>> start(Options options);
  // Closes all connections, and joins.
  ~SmallServer();
  SmallServer(const SmallServer&) = delete;
  SmallServer& operator=(const SmallServer&) = delete;

  // With the real port.
  [[nodiscard]] const config::SocketAddress& address() const noexcept { return thread_->address(); }

 private:
  SmallServer();
  class Service;
  std::unique_ptr<Service> service_;
  std::unique_ptr<ServerThread> thread_;  // ends first: it uses the service
};

}  // namespace app
