// A listening TCP socket for the small servers of the control plane (admin endpoint, echo backend).
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

#include "base/error.h"
#include "config/config.h"

namespace app {

// An empty host is every address, of both families where the machine has IPv6. Port 0: the kernel chooses.
[[nodiscard]] base::Result<boost::asio::ip::tcp::acceptor> listen_on(boost::asio::io_context& io,
                                                                     const config::SocketAddress& address);

// The address a socket is bound to.
[[nodiscard]] config::SocketAddress address_of(const boost::asio::ip::tcp::acceptor& acceptor);

// "127.0.0.1:3000", "[::1]:3000".
[[nodiscard]] std::string to_string(const boost::asio::ip::tcp::endpoint& endpoint);

}  // namespace app
