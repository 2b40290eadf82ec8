// The names of Asio that the data plane uses. Only files that wait include it.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>

namespace proxy {

namespace asio = boost::asio;
using boost::asio::awaitable;
using boost::asio::ip::tcp;
using boost::system::error_code;

}  // namespace proxy
