#include "proxy/connection.h"

#include <algorithm>
#include <array>
#include <string_view>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy/deadline.h"
#include "proxy/proxy_protocol.h"
#include "proxy/session.h"
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

void learn_addresses(ConnectionFacts& facts, const tcp::socket& socket, const tcp::endpoint& peer) {
  facts.peer = base::IpAddress::from(*peer.data()).value_or(base::IpAddress{});
  facts.client = facts.peer;
  facts.client_port = peer.port();
  error_code ignored;
  const tcp::endpoint local = socket.local_endpoint(ignored);
  facts.local = base::IpAddress::from(*local.data()).value_or(base::IpAddress{});
  facts.local_port = local.port();
}

bool wants_proxy_header(const config::Listener& listener, const base::IpAddress& peer) {
  return std::ranges::any_of(listener.proxy_protocol_from,
                             [&](const base::IpNetwork& network) { return network.contains(peer); });
}

// TLS on a fresh connection; what it found out goes into `facts`. Null: it failed, and has been counted.
awaitable<Alpn> shake_hands(Worker& worker, TlsTransport& transport, TlsHandshake& handshake, ConnectionFacts& facts) {
  const auto begun = std::chrono::steady_clock::now();
  const auto done = co_await transport.handshake();
  if (handshake.uncovered_name) worker.unknown_names().saw(worker.number(), handshake.server_name, worker.stats());
  if (!done) {
    const bool timed_out = transport.error().code == base::Code::timeout;
    count(worker, timed_out ? HandshakeFailure::timeout : classify_failure(transport.failure_reason(), handshake));
    co_return Alpn::none;
  }
  SSL* ssl = transport.ssl();
  const Handshake kind = handshake_kind(ssl);
  WorkerStats& stats = worker.stats();
  stats.handshakes[static_cast<std::size_t>(kind)].add();
  stats.handshake_time.observe(std::chrono::steady_clock::now() - begun);
  stats.connections_tls.add();
  facts.tls = true;
  facts.tls_version = SSL_get_version(ssl);
  facts.tls_resumed = kind == Handshake::tls12_resumed || kind == Handshake::tls13_resumed;
  facts.server_name = handshake.server_name;
  if (handshake.client_auth != nullptr) {
    facts.client_auth_policy = handshake.client_auth->id;
    facts.identity = client_identity(ssl);
  }
  const Alpn protocol = negotiated_protocol(ssl);
  co_return protocol == Alpn::none ? Alpn::http1 : protocol;
}

}  // namespace

Connection::Connection(Worker& worker, const base::IpAddress& peer)
    : worker_(worker), address_(peer), admitted_(admit()) {
  worker.connections_->all.push_back(*this);
  worker.stats_.connections_accepted.add();
  worker.stats_.connections_open.add();
}

bool Connection::count_address() {
  const unsigned here = ++worker_.connections_->by_address[address_];
  if (here <= worker_.snapshot()->config->limits.connections_per_address) return true;
  worker_.stats_.violations[static_cast<std::size_t>(Violation::connections_per_address)].add();
  return false;
}

void Connection::forget_address() {
  const auto here = worker_.connections_->by_address.find(address_);
  if (--here->second == 0) worker_.connections_->by_address.erase(here);
}

bool Connection::counts_for(const base::IpAddress& client) {
  forget_address();
  address_ = client;
  return count_address();
}

bool Connection::admit() {
  if (!count_address()) return false;
  const config::Limits& limits = worker_.snapshot()->config->limits;
  if (limits.connections != 0 && worker_.stats_.connections_open.value() >= limits.connections) {
    worker_.stats_.violations[static_cast<std::size_t>(Violation::connections)].add();
    return false;
  }
  return true;
}

Connection::~Connection() {
  unlink();
  forget_address();
  worker_.stats_.connections_open.subtract();
  worker_.connection_ended();
}

awaitable<void> serve_connection(Worker& worker, tcp::socket socket, tcp::endpoint peer,
                                 std::shared_ptr<const config::Listener> listener) {
  ConnectionFacts facts;
  learn_addresses(facts, socket, peer);
  Connection connection(worker, facts.peer);
  if (!connection.admitted()) {
    // Closing with a reset costs nobody anything; a polite answer would.
    error_code ignored;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
    co_return;
  }
  const config::Timeouts& timeouts = worker.snapshot()->config->timeouts;
  std::unique_ptr<Transport> transport;
  bool late = false;
  connection.cancel = [&](const base::Error& error) {
    error_code ignored;
    if (transport != nullptr) {
      transport->cancel(error);
    } else {
      socket.close(ignored);
    }
  };
  Deadline deadline(worker.deadlines(), [&] {
    late = true;
    connection.cancel({base::Code::timeout, "the handshake took too long", base::Origin::downstream});
  });
  deadline.arm(timeouts.handshake);
  if (wants_proxy_header(*listener, facts.peer)) {
    const auto header = co_await read_proxy_header(socket);
    if (!header) {
      count(worker, late ? HandshakeFailure::timeout : HandshakeFailure::proxy_header);
      co_return;
    }
    if (header->addresses) {
      facts.client = header->addresses->source;
      facts.client_port = header->addresses->source_port;
      facts.local = header->addresses->destination;
      facts.local_port = header->addresses->destination_port;
      if (!connection.counts_for(facts.client)) co_return;
    }
  }
  WorkerStats& stats = worker.stats();
  TlsHandshake handshake;
  Alpn protocol = Alpn::http1;
  if (listener->tls) {
    handshake.snapshot = worker.snapshot();
    handshake.local = facts.local;
    auto tls = std::make_unique<TlsTransport>(worker, std::move(socket), worker.tls().new_session(handshake),
                                              &stats.bytes_received, &stats.bytes_sent);
    TlsTransport& secured = *tls;
    transport = std::move(tls);
    protocol = co_await shake_hands(worker, secured, handshake, facts);
    // RFC 8737 §3: after the handshake there is nothing more to be said on acme-tls/1.
    if (protocol == Alpn::none || protocol == Alpn::acme) {
      transport->close_write();
      co_return;
    }
  } else {
    transport = std::make_unique<PlainTransport>(worker, std::move(socket), &stats.bytes_received, &stats.bytes_sent);
    const auto ready = co_await transport->readable();
    if (!ready) co_return;
    if (transport->early().starts_with(h2_preface_begin)) protocol = Alpn::h2;
  }
  deadline.disarm();
  handshake.snapshot = nullptr;
  SessionContext context{worker, *transport, facts, worker.draining(), {}};
  connection.drain = [&context] {
    context.draining = true;
    if (context.on_drain) context.on_drain();
  };
  if (protocol == Alpn::h2) {
    co_await serve_h2(context);
  } else {
    co_await serve_h1(context);
  }
  connection.drain = nullptr;
}

}  // namespace proxy
