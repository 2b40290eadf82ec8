#include "proxy/tls_transport.h"

#include <openssl/err.h>

#include <algorithm>
#include <climits>
#include <utility>

#include "proxy/worker.h"

namespace proxy {
namespace {

// Clearing OpenSSL's queue of errors when it is empty costs as much as encrypting a small record.
void forget_old_errors() noexcept {
  if (ERR_peek_error() != 0) ERR_clear_error();
}

// How long tickets wait for a response that takes them along.
constexpr std::chrono::milliseconds ticket_patience{20};

}  // namespace

TlsTransport::TlsTransport(Worker& worker, tcp::socket socket, base::SslPtr ssl, Counter* received, Counter* sent)
    : Transport(worker, std::move(socket), received, sent), ssl_(std::move(ssl)) {
  BIO* bio = BIO_new(bio_method());
  BIO_set_data(bio, this);
  BIO_set_init(bio, 1);
  SSL_set_bio(ssl_.get(), bio, bio);
}

TlsTransport::~TlsTransport() = default;

const BIO_METHOD* TlsTransport::bio_method() {
  static const std::unique_ptr<BIO_METHOD, base::Freed<BIO_meth_free>> method = [] {
    std::unique_ptr<BIO_METHOD, base::Freed<BIO_meth_free>> made(
        BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "sekisho socket"));
    BIO_meth_set_read(made.get(), bio_read);
    BIO_meth_set_write(made.get(), bio_write);
    BIO_meth_set_ctrl(made.get(), bio_control);
    return made;
  }();
  return method.get();
}

int TlsTransport::bio_read(BIO* bio, char* into, int size) noexcept {
  auto* transport = static_cast<TlsTransport*>(BIO_get_data(bio));
  BIO_clear_retry_flags(bio);
  const Read got = transport->receive({into, static_cast<std::size_t>(size)});
  if (got.kind == Read::Kind::data) return static_cast<int>(got.bytes);
  if (got.kind == Read::Kind::blocked) BIO_set_retry_read(bio);
  return got.kind == Read::Kind::end ? 0 : -1;
}

int TlsTransport::bio_write(BIO* bio, const char* bytes, int size) noexcept {
  auto* transport = static_cast<TlsTransport*>(BIO_get_data(bio));
  transport->worker_.wire_buffer().append(bytes, static_cast<std::size_t>(size));
  return size;
}

long TlsTransport::bio_control(BIO*, int command, long, void*) noexcept {
  return command == BIO_CTRL_FLUSH || command == BIO_CTRL_PUSH || command == BIO_CTRL_POP ? 1 : 0;
}

void TlsTransport::send_records() {
  std::string& wire = worker_.wire_buffer();
  if (wire.empty() || held_) return;
  if (tickets_ != nullptr) {
    wire.insert(0, tickets_->bytes);
    tickets_.reset();
  }
  send(wire);
  wire.clear();
}

void TlsTransport::hold_tickets() {
  std::string& wire = worker_.wire_buffer();
  if (wire.empty()) return;
  // The deadline itself stays until the next write: it may not be destroyed by what it calls.
  const auto due = [this] { send(std::exchange(tickets_->bytes, {})); };
  tickets_.reset(new Tickets{wire, Deadline(worker_.deadlines(), due)});
  wire.clear();
  tickets_->due.arm(ticket_patience);
}

awaitable<base::Result<void>> TlsTransport::handshake() {
  for (;;) {
    forget_old_errors();
    const int result = SSL_do_handshake(ssl_.get());
    if (result == 1) {
      // What a server of TLS 1.3 has left to say are tickets, which nobody waits for: they leave with the response.
      if (SSL_is_server(ssl_.get()) != 0 && SSL_version(ssl_.get()) == TLS1_3_VERSION) {
        hold_tickets();
      } else {
        send_records();
      }
      co_return base::Result<void>{};
    }
    if (settle(result) != Read::Kind::blocked) {
      fail({base::Code::closed, "the peer went away during the handshake"});
      co_return std::unexpected(error());
    }
    if (congested()) {
      if (auto drained = co_await drain(); !drained) co_return drained;
    }
    if (auto ready = co_await readable(); !ready) co_return ready;
  }
}

Transport::Read TlsTransport::read(std::span<char> into) {
  if (failed()) return {Read::Kind::failed};
  // Asking OpenSSL in vain costs a buffer and an entry in its error queue.
  if (nothing_received() && SSL_has_pending(ssl_.get()) == 0) return {Read::Kind::blocked};
  forget_old_errors();
  const int result = SSL_read(ssl_.get(), into.data(), static_cast<int>(std::min<std::size_t>(into.size(), INT_MAX)));
  if (result > 0) {
    send_records();  // nothing, but for an answer to a key update
    return {Read::Kind::data, static_cast<std::size_t>(result)};
  }
  return {settle(result)};
}

Transport::Read::Kind TlsTransport::settle(int result) {
  Explanation explanation = explain(result);
  send_records();  // an alert, perhaps: before the transport counts as failed
  if (explanation.kind == Read::Kind::failed) fail(std::move(explanation.error));
  return explanation.kind;
}

TlsTransport::Explanation TlsTransport::explain(int result) {
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return {Read::Kind::blocked, {}};
    case SSL_ERROR_ZERO_RETURN:
      return {Read::Kind::end, {}};
    case SSL_ERROR_SSL:
      failure_reason_ = ERR_GET_REASON(ERR_peek_last_error());
      if (failure_reason_ != SSL_R_UNEXPECTED_EOF_WHILE_READING) {
        return {Read::Kind::failed, {base::Code::tls, base::take_openssl_error()}};
      }
      (void)base::take_openssl_error();
      return {Read::Kind::failed, {base::Code::closed, "the connection was cut without close_notify"}};
    default:
      // The socket failed (its reason stands already) or ended in the middle of a record.
      return {Read::Kind::failed, {base::Code::closed, "the connection was cut"}};
  }
}

void TlsTransport::seal(std::span<const char> bytes) {
  if (failed() || closing_) return;
  forget_old_errors();
  const int result = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
  if (result > 0) {
    send_records();
  } else {
    (void)settle(result);
  }
}

void TlsTransport::close_write() {
  // What is corked and close_notify behind it leave in one system call.
  held_ = true;
  push();
  held_ = false;
  if (failed() || closing_) {
    send_records();  // the buffer is the worker's: nothing may stay in it
    return;
  }
  closing_ = true;
  forget_old_errors();
  if (SSL_is_init_finished(ssl_.get()) != 0) SSL_shutdown(ssl_.get());
  send_records();
  error_code ignored;
  if (!congested()) socket().shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace proxy
