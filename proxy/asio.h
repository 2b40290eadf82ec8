// The names of Asio that the data plane uses, all on the plain io_context executor: the type-erased one, Asio's
// default, costs an indirect call and a copy at every suspension. Only files that wait include this.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/basic_socket_acceptor.hpp>
#include <boost/asio/basic_stream_socket.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace proxy {

namespace asio = boost::asio;
using boost::system::error_code;

using Executor = asio::io_context::executor_type;

template <class T>
using awaitable = asio::awaitable<T, Executor>;
inline constexpr asio::use_awaitable_t<Executor> use_awaitable{};

struct tcp : asio::ip::tcp {
  using socket = asio::basic_stream_socket<asio::ip::tcp, Executor>;
  using acceptor = asio::basic_socket_acceptor<asio::ip::tcp, Executor>;
};

}  // namespace proxy
