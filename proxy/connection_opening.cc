// How a connection begins: PROXY header, then TLS or, on a plain listener, a look at the first bytes.
#include <algorithm>
#include <array>
#include <string_view>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy/connection.h"
#include "proxy/proxy_protocol.h"
#include "proxy/tls_client_auth.h"
#include "proxy/tls_context.h"
#include "proxy/tls_transport.h"
#include "proxy/unknown_names.h"

namespace proxy {
namespace {

constexpr auto as_values = asio::as_tuple(use_awaitable);
constexpr std::string_view h2_preface_begin = "PRI * HTTP/2.0";  // RFC 9113 §3.4

void count(Worker& worker, HandshakeFailure failure) {
  worker.stats().handshake_failures[static_cast<std::size_t>(failure)].add();
}

// Reads exactly the header and not one byte more: what follows belongs to TLS. A version 1 header has no length, so it
// is looked at before it is taken.
awaitable<std::optional<ProxyHeader>> read_proxy_header(tcp::socket& socket) {
  constexpr std::size_t shortest = 15;  // "PROXY UNKNOWN\r\n"; a version 2 header has at least 16
  constexpr std::size_t longest = 16 + 4096;
  std::array<char, longest> bytes;
  std::size_t size = shortest;
  {
    const auto [error, got] = co_await asio::async_read(socket, asio::buffer(bytes.data(), shortest), as_values);
    if (error) co_return std::nullopt;
  }
  for (;;) {
    auto parsed = parse_proxy_header(std::span(bytes).first(size));
    if (!parsed) co_return std::nullopt;
    if (*parsed) co_return **parsed;
    if (size == longest) co_return std::nullopt;
    const auto [error, got] = co_await asio::async_read(socket, asio::buffer(bytes.data() + size, 1), as_values);
    if (error) co_return std::nullopt;
    size += got;
  }
}

bool wants_proxy_header(const config::Listener& listener, const base::IpAddress& peer) {
  return std::ranges::any_of(listener.proxy_protocol_from,
                             [&](const base::IpNetwork& network) { return network.contains(peer); });
}

// What a handshake that has succeeded found out.
void learn(ConnectionFacts& facts, WorkerStats& stats, SSL* ssl, TlsHandshake& handshake) {
  const Handshake kind = handshake_kind(ssl);
  stats.handshakes[static_cast<std::size_t>(kind)].add();
  stats.connections_tls.add();
  facts.tls = true;
  facts.tls_version = SSL_get_version(ssl);
  facts.tls_resumed = kind == Handshake::tls12_resumed || kind == Handshake::tls13_resumed;
  facts.server_name = std::move(handshake.server_name);
  if (handshake.client_auth != nullptr) {
    facts.client_auth_policy = handshake.client_auth->id;
    facts.identity = client_identity(ssl);
  }
}

}  // namespace

awaitable<bool> Connection::open(tcp::socket& socket, const config::Listener& listener) {
  opening_ = &socket;
  deadline_.arm(worker_.snapshot()->config->timeouts.handshake);
  bool opened = true;
  if (wants_proxy_header(listener, facts_.peer)) opened = co_await take_proxy_header(socket);
  if (opened) opened = listener.tls ? co_await shake_hands(socket) : co_await look_at_first_bytes(socket);
  deadline_.disarm();
  opening_ = nullptr;
  co_return opened;
}

awaitable<bool> Connection::take_proxy_header(tcp::socket& socket) {
  const auto header = co_await read_proxy_header(socket);
  if (!header) {
    count(worker_, late_ ? HandshakeFailure::timeout : HandshakeFailure::proxy_header);
    co_return false;
  }
  if (!header->addresses) co_return true;
  facts_.local = header->addresses->destination;
  facts_.local_port = header->addresses->destination_port;
  co_return counts_for(header->addresses->source, header->addresses->source_port);
}

awaitable<bool> Connection::shake_hands(tcp::socket& socket) {
  WorkerStats& stats = worker_.stats();
  TlsHandshake handshake;
  handshake.snapshot = worker_.snapshot();
  handshake.local = facts_.local;
  auto made = std::make_unique<TlsTransport>(worker_, std::move(socket), worker_.tls().new_session(handshake),
                                             &stats.bytes_received, &stats.bytes_sent);
  TlsTransport& transport = *made;
  transport_ = std::move(made);
  const auto begun = std::chrono::steady_clock::now();
  const auto done = co_await transport.handshake();
  forget_handshake(transport.ssl());
  if (handshake.uncovered_name) worker_.unknown_names().saw(worker_.number(), handshake.server_name, stats);
  if (!done) {
    const bool timed_out = transport.error().code == base::Code::timeout;
    count(worker_, timed_out ? HandshakeFailure::timeout : classify_failure(transport.failure_reason(), handshake));
    transport.close_write();
    co_return false;
  }
  const auto took = std::chrono::steady_clock::now() - begun;
  facts_.handshake = std::chrono::duration_cast<decltype(facts_.handshake)>(took);
  stats.handshake_time.observe(took);
  learn(facts_, stats, transport.ssl(), handshake);
  const Alpn agreed = negotiated_protocol(transport.ssl());
  protocol_ = agreed == Alpn::none ? Alpn::http1 : agreed;
  if (protocol_ != Alpn::acme) co_return true;
  // RFC 8737 §3: after the handshake there is nothing more to be said on acme-tls/1.
  transport.close_write();
  co_return false;
}

awaitable<bool> Connection::look_at_first_bytes(tcp::socket& socket) {
  WorkerStats& stats = worker_.stats();
  transport_ = std::make_unique<PlainTransport>(worker_, std::move(socket), &stats.bytes_received, &stats.bytes_sent);
  const auto ready = co_await transport_->readable();
  if (!ready) co_return false;
  if (transport_->early().starts_with(h2_preface_begin)) protocol_ = Alpn::h2;
  co_return true;
}

}  // namespace proxy
