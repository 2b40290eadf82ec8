#include "proxy/transport.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy/at_once.h"
#include "proxy/worker.h"

namespace proxy {
namespace {

constexpr auto as_values = asio::as_tuple(use_awaitable);

// What a connection may hold back at the most; its writers stop long before. A peer that makes us answer (TLS key
// updates, HTTP/2 acknowledgements) and never reads ends here.
constexpr std::size_t most_unsent = 1 << 20;
// Pieces as large as this are sealed where they lie instead of being copied into the cork.
constexpr std::size_t large_piece = 16 << 10;
constexpr std::size_t cork_size = 64 << 10;

base::Error from_errno(int error_number) {
  const bool gone = error_number == ECONNRESET || error_number == EPIPE || error_number == ENOTCONN;
  return {gone ? base::Code::closed : base::Code::io, std::strerror(error_number), base::Origin::internal,
          base::Retry::fresh_connection};
}

}  // namespace

Transport::Transport(Worker& worker, tcp::socket socket, Counter* received, Counter* sent, std::size_t early_room)
    : worker_(worker),
      socket_(std::move(socket)),
      received_(received),
      sent_counter_(sent),
      early_room_(early_room),
      early_(std::make_unique_for_overwrite<char[]>(early_room)) {}

Transport::~Transport() {
  uncork();
}

void Transport::uncork() {
  if (worker_.corked_by != this) return;
  worker_.corked_by = nullptr;
  worker_.cork().clear();
}

// Not a coroutine itself: one frame less for every wait, and for every connection that is idle.
awaitable<base::Result<void>> Transport::readable() {
  if (failed_) return at_once<base::Result<void>>(std::unexpected(Transport::error()));
  if (early_at_ < early_size_ || ended_) return at_once(base::Result<void>{});
  auto begin = [this](auto handler) {
    if (early_ == nullptr) {
      socket_.async_wait(tcp::socket::wait_read, [this, handler = std::move(handler)](const error_code& error) mutable {
        drained_ = false;
        handler(waited(error));
      });
      return;
    }
    socket_.async_read_some(asio::buffer(early_.get(), early_room_),
                            [this, handler = std::move(handler)](const error_code& error, std::size_t size) mutable {
                              base::Result<void> result = waited(error);
                              if (result) received_early(size);
                              handler(std::move(result));
                            });
  };
  return asio::async_initiate<const asio::use_awaitable_t<Executor>, void(base::Result<void>)>(std::move(begin),
                                                                                               use_awaitable);
}

base::Result<void> Transport::waited(const error_code& error) {
  if (failed_) return std::unexpected(Transport::error());
  if (error == asio::error::operation_aborted) return base::fail(base::Code::cancelled, "interrupted");
  if (error == asio::error::eof) {
    ended_ = true;
  } else if (error) {
    fail(from_errno(error.value()));
    return std::unexpected(Transport::error());
  }
  return {};
}

void Transport::received_early(std::size_t size) {
  early_at_ = 0;
  early_size_ = static_cast<std::uint16_t>(size);
  drained_ = size < early_room_;
  if (received_ != nullptr) received_->add(size);
}

Transport::Read Transport::receive(std::span<char> into) {
  using Kind = Read::Kind;
  if (failed_) return {Kind::failed};
  std::size_t taken = 0;
  if (early_at_ < early_size_) {
    taken = std::min<std::size_t>(into.size(), early_size_ - early_at_);
    std::memcpy(into.data(), early_.get() + early_at_, taken);
    early_at_ = static_cast<std::uint16_t>(early_at_ + taken);
    if (early_at_ == early_size_ && early_room_ == client_room) {
      early_.reset();
      early_at_ = early_size_ = 0;
    }
  }
  if (taken == into.size()) return {Kind::data, taken};
  if (!drained_ && !ended_) {
    const std::span<char> rest = into.subspan(taken);
    ssize_t got = 0;
    do {
      got = ::recv(socket_.native_handle(), rest.data(), rest.size(), MSG_DONTWAIT);
    } while (got < 0 && errno == EINTR);
    if (got > 0) {
      if (received_ != nullptr) received_->add(static_cast<std::uint64_t>(got));
      taken += static_cast<std::size_t>(got);
      drained_ = taken < into.size();
    } else if (got == 0) {
      ended_ = true;
    } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
      drained_ = true;
    } else if (taken == 0) {
      fail(from_errno(errno));
      return {Kind::failed};
    }
  }
  if (taken > 0) return {Kind::data, taken};
  return {ended_ ? Kind::end : Kind::blocked};
}

void Transport::write(std::span<const char> bytes) {
  if (failed_) return;
  if (worker_.corked_by != nullptr && worker_.corked_by != this) worker_.corked_by->push();
  std::string& cork = worker_.cork();
  if (cork.size() + bytes.size() > cork_size || bytes.size() >= large_piece) push();
  if (bytes.size() >= large_piece) {
    seal(bytes);
    return;
  }
  worker_.corked_by = this;
  cork.append(bytes.data(), bytes.size());
}

void Transport::push() {
  if (worker_.corked_by != this) return;
  worker_.corked_by = nullptr;
  if (!failed_) seal(worker_.cork());
  worker_.cork().clear();
}

void Transport::send(std::span<const char> wire) {
  if (failed_ || cut_) return;
  while (!congested() && !wire.empty()) {
    const ssize_t sent = ::send(socket_.native_handle(), wire.data(), wire.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
    if (sent < 0) {
      cut_ = true;
      error_ = std::make_unique<const base::Error>(from_errno(errno));
      unsent_ = std::string();
      sent_ = 0;
      return;
    }
    if (sent_counter_ != nullptr) sent_counter_->add(static_cast<std::uint64_t>(sent));
    wire = wire.subspan(static_cast<std::size_t>(sent));
  }
  if (wire.empty()) return;
  if (unsent_.size() - sent_ + wire.size() > most_unsent) {
    fail({base::Code::overloaded, "the peer does not read what it asked for"});
    return;
  }
  unsent_.append(wire.data(), wire.size());
}

awaitable<base::Result<void>> Transport::drain() {
  while (!failed_ && congested()) {
    const auto [error] = co_await socket_.async_wait(tcp::socket::wait_write, as_values);
    if (failed_) break;
    if (error == asio::error::operation_aborted) co_return base::fail(base::Code::cancelled, "interrupted");
    if (error) {
      fail(from_errno(error.value()));
      break;
    }
    const std::string held = std::exchange(unsent_, {});
    const std::size_t at = std::exchange(sent_, 0);
    send(std::span(held).subspan(at));
  }
  if (failed_ || cut_) co_return std::unexpected(Transport::error());
  co_return base::Result<void>{};
}

void Transport::cancel(base::Error error) {
  fail(std::move(error));
  uncork();
  error_code ignored;
  socket_.close(ignored);
}

const base::Error& Transport::error() const noexcept {
  static const base::Error nothing;
  return error_ == nullptr ? nothing : *error_;
}

void Transport::fail(base::Error error) {
  if (failed_) return;
  failed_ = true;
  error_ = std::make_unique<const base::Error>(std::move(error));
}

bool Transport::peer_gone() {
  if (failed_ || ended_) return true;
  pollfd asked{socket_.native_handle(), POLLRDHUP, 0};
  return ::poll(&asked, 1, 0) > 0;  // POLLRDHUP, POLLHUP or POLLERR
}

bool Transport::quiet() {
  if (failed_ || ended_ || early_at_ < early_size_) return false;
  pollfd asked{socket_.native_handle(), POLLIN | POLLRDHUP, 0};
  return ::poll(&asked, 1, 0) == 0;
}

void Transport::interrupt() {
  error_code ignored;
  socket_.cancel(ignored);
}

PlainTransport::PlainTransport(Worker& worker, tcp::socket socket, Counter* received, Counter* sent,
                               std::size_t early_room)
    : Transport(worker, std::move(socket), received, sent, early_room) {}

PlainTransport::~PlainTransport() = default;

Transport::Read PlainTransport::read(std::span<char> into) {
  return receive(into);
}

void PlainTransport::seal(std::span<const char> bytes) {
  send(bytes);
}

void PlainTransport::close_write() {
  push();
  error_code ignored;
  if (!congested() && !failed()) socket().shutdown(tcp::socket::shutdown_send, ignored);
}

}  // namespace proxy
