#include "proxy/connection.h"

#include <algorithm>
#include <utility>

#include <boost/asio/bind_allocator.hpp>

#include "proxy/session.h"
#include "proxy/tls_context.h"
#include "proxy/transport.h"

namespace proxy {
namespace {

void learn_local_address(ConnectionFacts& facts, const tcp::socket& socket) {
  error_code ignored;
  const tcp::endpoint local = socket.local_endpoint(ignored);
  facts.local = base::IpAddress::from(*local.data()).value_or(base::IpAddress{});
  facts.local_port = local.port();
}

}  // namespace

Connection::Connection(Worker& worker, const tcp::endpoint& peer)
    : worker_(worker), deadline_(worker.deadlines(), [this] { on_deadline(); }), protocol_(Alpn::http1) {
  facts_.peer = base::IpAddress::from(*peer.data()).value_or(base::IpAddress{});
  facts_.client = facts_.peer;
  facts_.client_port = peer.port();
  worker.connections_->all.push_back(*this);
  worker.stats_.connections_accepted.add();
  worker.stats_.connections_open.add();
}

Connection::~Connection() {
  unlink();
  forget_address();
  worker_.stats_.connections_open.subtract();
  worker_.connection_ended();
}

void Connection::begin(Worker& worker, tcp::socket socket, const tcp::endpoint& peer,
                       std::shared_ptr<const config::Listener> listener) {
  std::unique_ptr<Connection> connection(new Connection(worker, peer));
  if (!connection->admit()) {
    // Closing with a reset costs nobody anything; a polite answer would.
    error_code ignored;
    socket.set_option(asio::socket_base::linger(true, 0), ignored);
    return;
  }
  learn_local_address(connection->facts_, socket);
  Connection& here = *connection;
  run(std::move(connection), here.open_and_serve(std::move(socket), std::move(listener)));
}

// Called when this one is counted already.
bool Connection::admit() {
  if (!count_address()) return false;
  const config::Limits& limits = worker_.snapshot()->config->limits;
  if (limits.connections != 0 && worker_.stats_.connections_open.value() > limits.connections) {
    worker_.stats_.violations[static_cast<std::size_t>(Violation::connections)].add();
    return false;
  }
  return true;
}

bool Connection::count_address() {
  const unsigned here = ++worker_.connections_->by_address[facts_.client];
  if (here <= worker_.snapshot()->config->limits.connections_per_address) return true;
  worker_.stats_.violations[static_cast<std::size_t>(Violation::connections_per_address)].add();
  return false;
}

void Connection::forget_address() {
  const auto here = worker_.connections_->by_address.find(facts_.client);
  if (--here->second == 0) worker_.connections_->by_address.erase(here);
}

bool Connection::counts_for(const base::IpAddress& client, std::uint16_t port) {
  forget_address();
  facts_.client = client;
  facts_.client_port = port;
  return count_address();
}

void Connection::run(std::unique_ptr<Connection> connection, awaitable<void> task) {
  Worker& worker = connection->worker_;
  worker.spawn("connection", std::move(task), [owned = std::move(connection)]() mutable {
    if (owned->parked_) park(std::move(owned));
  });
}

awaitable<void> Connection::open_and_serve(tcp::socket socket, std::shared_ptr<const config::Listener> listener) {
  const bool opened = co_await open(socket, *listener);
  listener.reset();
  if (opened) co_await serve();
}

awaitable<void> Connection::serve() {
  SessionContext context{worker_, *transport_, facts_, worker_.draining(), served_, {}};
  session_ = &context;
  if (protocol_ == Alpn::h2) {
    co_await serve_h2(context);
  } else {
    parked_ = co_await serve_h1(context) == SessionEnd::idle;
  }
  session_ = nullptr;
}

void Connection::park(std::unique_ptr<Connection> connection) {
  Connection& here = *connection;
  ++here.worker_.tasks_;
  here.worker_.stats_.connections_parked.add();
  const std::chrono::milliseconds idle = here.worker_.snapshot()->config->timeouts.idle;
  here.deadline_.arm(here.worker_.draining() ? last_request_time : std::max(idle - park_after, Deadlines::tick));
  // Not from Asio's cache of blocks: what it has are larger ones, and this wait is long.
  here.transport_->socket().async_wait(
      tcp::socket::wait_read,
      asio::bind_allocator(std::allocator<void>(),
                           [owned = std::move(connection)](const error_code& error) mutable noexcept {
                             --owned->worker_.tasks_;
                             unpark(std::move(owned), error);
                           }));
}

void Connection::unpark(std::unique_ptr<Connection> connection, const error_code& error) {
  Connection& here = *connection;
  here.worker_.stats_.connections_parked.subtract();
  here.deadline_.disarm();
  here.parked_ = false;
  if (error) {
    // The deadline, or a cut.
    here.transport_->close_write();
    return;
  }
  here.transport_->woken();
  run(std::move(connection), here.serve());
}

void Connection::on_deadline() {
  if (parked_) {
    if (!worker_.draining()) worker_.stats_.violations[static_cast<std::size_t>(Violation::idle_timeout)].add();
    transport_->interrupt();
    return;
  }
  late_ = true;
  cancel({base::Code::timeout, "the handshake took too long", base::Origin::downstream});
}

void Connection::drain() {
  if (parked_) {
    deadline_.arm(last_request_time);
  } else if (session_ != nullptr) {
    session_->draining = true;
    if (session_->on_drain) session_->on_drain();
  }
}

void Connection::cancel(const base::Error& error) {
  error_code ignored;
  if (transport_ != nullptr) {
    transport_->cancel(error);
  } else if (opening_ != nullptr) {
    opening_->close(ignored);
  }
}

}  // namespace proxy
