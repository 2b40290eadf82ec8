#include "app/listening_socket.h"

#include <fmt/format.h>
#include <boost/asio/ip/v6_only.hpp>

namespace app {
namespace {

using boost::asio::ip::tcp;
using boost::system::error_code;

base::Result<tcp::acceptor> open(boost::asio::io_context& io, const tcp::endpoint& endpoint, const std::string& name) {
  tcp::acceptor acceptor(io);
  error_code error;
  acceptor.open(endpoint.protocol(), error);
  if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
  if (!error && endpoint.address().is_v6() && endpoint.address().is_unspecified()) {
    acceptor.set_option(boost::asio::ip::v6_only(false), error);
  }
  if (!error) acceptor.bind(endpoint, error);
  if (!error) acceptor.listen(64, error);
  if (error) return base::fail(base::Code::io, fmt::format("cannot listen on {}: {}", name, error.message()));
  return acceptor;
}

}  // namespace

base::Result<tcp::acceptor> listen_on(boost::asio::io_context& io, const config::SocketAddress& address) {
  if (address.host.empty()) {
    auto both = open(io, tcp::endpoint(tcp::v6(), address.port), address.to_string());
    if (both) return both;
    return open(io, tcp::endpoint(tcp::v4(), address.port), address.to_string());
  }
  error_code error;
  const auto ip = boost::asio::ip::make_address(address.host, error);
  if (error) return base::fail(base::Code::invalid, fmt::format("{} is not an IP address", address.host));
  return open(io, tcp::endpoint(ip, address.port), address.to_string());
}

config::SocketAddress address_of(const tcp::acceptor& acceptor) {
  error_code error;
  const tcp::endpoint endpoint = acceptor.local_endpoint(error);
  return {endpoint.address().to_string(), endpoint.port()};
}

std::string to_string(const tcp::endpoint& endpoint) {
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", endpoint.address().to_string(), endpoint.port())
                                    : fmt::format("{}:{}", endpoint.address().to_string(), endpoint.port());
}

}  // namespace app
