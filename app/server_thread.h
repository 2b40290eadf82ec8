// ServerThread: a listening socket and a thread that serves every connection to it in a coroutine of its own. For the
// small servers of the control plane (admin endpoint, echo backend); never touches a worker.
#pragma once

#include <cstddef>
#include <functional>
#include <limits>
#include <memory>
#include <string>

#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/error.h"
#include "config/config.h"

namespace app {

class ServerThread {
 public:
  struct Options {
    std::string name;  // in errors and logs
    config::SocketAddress address;
    // Runs on the thread. What escapes from it ends that connection alone, and is logged.
    std::function<boost::asio::awaitable<void>(boost::asio::ip::tcp::socket)> serve;
    std::size_t connections = std::numeric_limits<std::size_t>::max();  // further ones wait in the kernel's queue
  };

  // Listens when it returns. Errors: io (address in use, no right), with the name and the address in the text.
  [[nodiscard]] static base::Result<std::unique_ptr<ServerThread>> start(Options options);
  // Closes all connections, and joins.
  ~ServerThread();
  ServerThread(const ServerThread&) = delete;
  ServerThread& operator=(const ServerThread&) = delete;

  // With the real port.
  [[nodiscard]] const config::SocketAddress& address() const noexcept { return address_; }

 private:
  ServerThread() = default;
  class Loop;
  config::SocketAddress address_;
  std::unique_ptr<Loop> loop_;
};

}  // namespace app
