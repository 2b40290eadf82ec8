#include "proxy/health_checker.h"

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <span>

#include "base/openssl.h"
#include "proxy/tls_upstream.h"

namespace proxy {
namespace {

constexpr auto as_result = asio::as_tuple(use_awaitable);
constexpr std::size_t status_line_size = 12;  // "HTTP/1.1 200"

std::unexpected<base::Error> down(base::Code code, std::string why) {
  return base::fail(code, std::move(why), base::Origin::upstream, base::Retry::later);
}

// The bytes of one check, plain or through TLS. The socket is non-blocking: what would block waits for the loop.
class Line {
 public:
  Line(tcp::socket& socket, SSL* ssl) : socket_(socket), ssl_(ssl) {}

  awaitable<base::Result<void>> shake_hands() {
    ::SSL_set_fd(ssl_, socket_.native_handle());
    for (;;) {
      ::ERR_clear_error();
      const int done = ::SSL_connect(ssl_);
      if (done == 1) co_return base::Result<void>();
      if (!co_await again(done)) {
        co_return down(base::Code::tls, explain_verification(ssl_, "TLS handshake: " + base::take_openssl_error()));
      }
    }
  }

  awaitable<base::Result<void>> send(std::string_view text) {
    while (!text.empty()) {
      std::size_t sent = 0;
      if (ssl_ != nullptr) {
        ::ERR_clear_error();
        const int done = ::SSL_write(ssl_, text.data(), static_cast<int>(text.size()));
        if (done <= 0 && !co_await again(done)) co_return down(base::Code::closed, "closed while the request was sent");
        sent = static_cast<std::size_t>(std::max(done, 0));
      } else {
        const auto [error, bytes] = co_await socket_.async_write_some(asio::buffer(text), as_result);
        if (error) co_return down(base::Code::closed, error.message());
        sent = bytes;
      }
      text.remove_prefix(sent);
    }
    co_return base::Result<void>();
  }

  // 0: the end, or a fault.
  awaitable<std::size_t> receive(std::span<char> into) {
    if (ssl_ == nullptr) {
      const auto [error, bytes] = co_await socket_.async_read_some(asio::buffer(into.data(), into.size()), as_result);
      co_return error ? 0 : bytes;
    }
    for (;;) {
      ::ERR_clear_error();
      const int done = ::SSL_read(ssl_, into.data(), static_cast<int>(into.size()));
      if (done > 0) co_return static_cast<std::size_t>(done);
      if (!co_await again(done)) co_return 0;
    }
  }

 private:
  // Waits for what OpenSSL wants; false if it wants nothing because it has failed, or the socket has been closed.
  awaitable<bool> again(int done) {
    const int wanted = ::SSL_get_error(ssl_, done);
    if (wanted != SSL_ERROR_WANT_READ && wanted != SSL_ERROR_WANT_WRITE) co_return false;
    const auto direction = wanted == SSL_ERROR_WANT_READ ? tcp::socket::wait_read : tcp::socket::wait_write;
    const auto [error] = co_await socket_.async_wait(direction, as_result);
    // Not on a closed one: its number may belong to another socket by now.
    co_return !error && socket_.is_open();
  }

  tcp::socket& socket_;
  SSL* ssl_;  // null: plain
};

std::string request_text(const HealthTarget& target) {
  const config::HealthCheck& check = *target.backend->health_check;
  std::string_view host = check.host;
  if (host.empty()) host = target.backend->host_header;
  if (host.empty()) host = target.authority;
  std::string text("GET ");
  text.append(check.path).append(" HTTP/1.1\r\nHost: ").append(host);
  return text.append("\r\nUser-Agent: sekisho-health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n");
}

awaitable<base::Result<void>> ask(Line& line, const HealthTarget& target) {
  const config::HealthCheck& check = *target.backend->health_check;
  const std::string request = request_text(target);
  const auto sent = co_await line.send(request);
  if (!sent) co_return std::unexpected(sent.error());
  std::array<char, status_line_size> head{};
  std::size_t size = 0;
  while (size < head.size()) {
    const std::size_t got = co_await line.receive(std::span(head).subspan(size));
    if (got == 0) co_return down(base::Code::closed, "closed before it answered");
    size += got;
  }
  const unsigned status = parse_status({head.data(), head.size()});
  if (status == 0) co_return down(base::Code::protocol, "the answer is not HTTP/1");
  if (static_cast<int>(status) < check.status_from || static_cast<int>(status) > check.status_to) {
    co_return down(base::Code::refused, "answered " + std::to_string(status));
  }
  co_return base::Result<void>();
}

// Without a deadline; ends when the socket is closed.
awaitable<base::Result<void>> check_on(std::shared_ptr<tcp::socket> socket, const HealthTarget& target) {
  const auto [error] = co_await socket->async_connect(target.address, as_result);
  if (error) co_return down(base::Code::unreachable, error.message());
  if (target.backend->protocol == config::UpstreamProtocol::http2) co_return base::Result<void>();
  base::SslPtr ssl;
  if (target.tls) {
    ssl = target.tls->new_client(target.host);
    if (!ssl) co_return down(base::Code::internal, "no memory for TLS");
    error_code ignored;
    socket->native_non_blocking(true, ignored);
  }
  Line line(*socket, ssl.get());
  if (ssl) {
    const auto shaken = co_await line.shake_hands();
    if (!shaken) co_return std::unexpected(shaken.error());
  }
  const auto asked = co_await ask(line, target);
  // Says goodbye, so that the backend's log stays clean; nobody waits for its answer.
  if (ssl && socket->is_open()) ::SSL_shutdown(ssl.get());
  co_return asked;
}

}  // namespace

bool HealthThreshold::observe(bool well) noexcept {
  if (well == healthy_) {
    in_a_row_ = 0;
    return false;
  }
  if (++in_a_row_ < std::max(1U, well ? healthy_after_ : unhealthy_after_)) return false;
  healthy_ = well;
  in_a_row_ = 0;
  return true;
}

awaitable<base::Result<void>> check_health(asio::io_context& io, HealthTarget target) {
  auto socket = std::make_shared<tcp::socket>(io);
  auto late = std::make_shared<bool>(false);
  asio::steady_timer deadline(io, target.backend->health_check->timeout);
  deadline.async_wait([socket, late](error_code error) {
    if (error) return;
    *late = true;
    error_code ignored;
    socket->close(ignored);
  });
  auto result = co_await check_on(socket, target);
  deadline.cancel();
  error_code ignored;
  socket->close(ignored);
  if (!result && *late) co_return down(base::Code::timeout, "no answer in time");
  co_return result;
}

unsigned parse_status(std::string_view text) noexcept {
  if (text.size() < status_line_size || !text.starts_with("HTTP/1.") || text[8] != ' ') return 0;
  unsigned status = 0;
  for (const char c : text.substr(9, 3)) {
    if (c < '0' || c > '9') return 0;
    status = status * 10 + static_cast<unsigned>(c - '0');
  }
  return status;
}

std::chrono::milliseconds jittered(std::chrono::milliseconds interval, double random) noexcept {
  return std::chrono::milliseconds(
      static_cast<std::int64_t>(static_cast<double>(interval.count()) * (0.9 + 0.2 * random)));
}

}  // namespace proxy
