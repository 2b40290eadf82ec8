#include "proxy/upstream_dial.h"

#include <expected>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy/deadline.h"
#include "proxy/proxy_protocol.h"
#include "proxy/tls_context.h"
#include "proxy/tls_transport.h"
#include "proxy/tls_upstream.h"
#include "proxy/worker.h"

namespace proxy {
namespace {

constexpr auto as_values = asio::as_tuple(use_awaitable);

std::unexpected<DialFailure> failure(UpstreamFailure kind, base::Code code, const EndpointState& endpoint,
                                     std::string_view why) {
  return std::unexpected(DialFailure{{code, "connect to " + endpoint.name + ": " + std::string(why),
                                      base::Origin::upstream, base::Retry::fresh_connection},
                                     kind});
}

std::string proxy_header(config::ProxyProtocolOut version, const ConnectionFacts& client) {
  return write_proxy_header(version, {client.client, client.local, client.client_port, client.local_port});
}

}  // namespace

awaitable<std::expected<std::unique_ptr<Transport>, DialFailure>> dial(Worker& worker, const BackendState& state,
                                                                       const EndpointState& endpoint,
                                                                       const ConnectionFacts& client) {
  const config::Backend& config = *state.config;
  tcp::socket socket(worker.io());
  Transport* established = nullptr;  // once there is one, the deadline cancels it instead of the bare socket
  bool late = false;
  Deadline deadline(worker.deadlines(), [&] {
    late = true;
    error_code ignored;
    if (established != nullptr) {
      established->cancel({base::Code::timeout, "not within the connect timeout"});
    } else {
      socket.close(ignored);
    }
  });
  deadline.arm(config.timeouts.connect);
  const auto [error] = co_await socket.async_connect(endpoint.address, as_values);
  if (late) co_return failure(UpstreamFailure::connect_timeout, base::Code::timeout, endpoint, "no answer in time");
  if (error) co_return failure(UpstreamFailure::connect, base::Code::unreachable, endpoint, error.message());
  error_code ignored;
  socket.set_option(tcp::no_delay(true), ignored);
  worker.stats().upstream_connections_opened.add();
  if (state.tls == nullptr) {
    auto plain = std::make_unique<PlainTransport>(worker, std::move(socket), nullptr, nullptr, Transport::backend_room);
    if (config.proxy_protocol != config::ProxyProtocolOut::off) {
      plain->write(proxy_header(config.proxy_protocol, client));
      plain->push();
    }
    co_return plain;
  }
  const auto protocol = config.protocol == config::UpstreamProtocol::http2 ? UpstreamTlsMaterial::Protocol::h2
                                                                           : UpstreamTlsMaterial::Protocol::http1;
  if (config.proxy_protocol != config::ProxyProtocolOut::off) {
    // Before TLS; a fresh socket's buffer takes a header whole.
    const std::string header = proxy_header(config.proxy_protocol, client);
    socket.send(asio::buffer(header), 0, ignored);
  }
  auto tls = std::make_unique<TlsTransport>(worker, std::move(socket), state.tls->new_client(endpoint.host, protocol),
                                            nullptr, nullptr);
  established = tls.get();
  const auto shaken = co_await tls->handshake();
  if (late) co_return failure(UpstreamFailure::connect_timeout, base::Code::timeout, endpoint, "no TLS answer in time");
  if (!shaken)
    co_return failure(UpstreamFailure::tls, base::Code::tls, endpoint,
                      explain_verification(tls->ssl(), shaken.error().what));
  if (protocol == UpstreamTlsMaterial::Protocol::h2 && negotiated_protocol(tls->ssl()) != Alpn::h2) {
    co_return failure(UpstreamFailure::tls, base::Code::tls, endpoint, "it does not speak h2 (ALPN)");
  }
  co_return tls;
}

}  // namespace proxy
