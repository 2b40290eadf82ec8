#include "proxy/health_checker.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "base/openssl.h"
#include "proxy/tls_upstream.h"
#include "tests/support/mint.h"

namespace proxy {
namespace {

using namespace std::chrono_literals;

// One connection over TLS, answered with 200; or accepted and never answered.
class TlsServer {
 public:
  enum class Manner { answers, is_silent };

  TlsServer(const test::Minted& minted, Manner manner)
      : socket_(::socket(AF_INET, SOCK_STREAM, 0)), context_(::SSL_CTX_new(::TLS_server_method())) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(socket_, 1) != 0) {
      throw std::runtime_error("listen");
    }
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    ::SSL_CTX_use_certificate(context_.get(), minted.certificate.get());
    ::SSL_CTX_use_PrivateKey(context_.get(), minted.key.get());
    thread_ = std::jthread([this, manner] { serve(manner); });
  }
  ~TlsServer() {
    ::shutdown(socket_, SHUT_RDWR);
    thread_.join();
    ::close(socket_);
  }
  TlsServer(const TlsServer&) = delete;
  TlsServer& operator=(const TlsServer&) = delete;

  std::uint16_t port = 0;

 private:
  void serve(Manner manner) {
    const int peer = ::accept(socket_, nullptr, nullptr);
    if (peer < 0) return;
    const base::SslPtr ssl(::SSL_new(context_.get()));
    ::SSL_set_fd(ssl.get(), peer);
    std::array<char, 1024> request{};
    if (manner == Manner::answers && ::SSL_accept(ssl.get()) == 1 &&
        ::SSL_read(ssl.get(), request.data(), static_cast<int>(request.size())) > 0) {
      const std::string answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
      ::SSL_write(ssl.get(), answer.data(), static_cast<int>(answer.size()));
    }
    pollfd gone{peer, POLLRDHUP, 0};
    ::poll(&gone, 1, 5000);  // until the checker has closed
    ::close(peer);
  }

  int socket_;
  base::SslCtxPtr context_;
  std::jthread thread_;
};

awaitable<void> check(asio::io_context& io, HealthTarget target, std::optional<base::Result<void>>& into) {
  into = co_await check_health(io, std::move(target));
}

class HealthCheckOverTls : public testing::Test {
 protected:
  HealthCheckOverTls() {
    std::ofstream(ca_) << authority_.pem();
    wanted_.ca_certificates = ca_;
  }
  ~HealthCheckOverTls() override { std::filesystem::remove(ca_); }

  test::Minted leaf() const { return authority_.issue({.names = {"app.test"}}); }

  base::Result<void> check_port(std::uint16_t port, std::chrono::milliseconds timeout = 5s) {
    config::Backend backend;
    backend.health_check.emplace().timeout = timeout;
    HealthTarget target;
    target.backend = std::make_shared<const config::Backend>(backend);
    target.address = {asio::ip::address_v4::loopback(), port};
    target.host = "app.test";
    target.authority = "app.test:443";
    target.tls = UpstreamTlsMaterial::load(wanted_).value();
    asio::io_context io;
    std::optional<base::Result<void>> result;
    asio::co_spawn(io, check(io, target, result), [](const std::exception_ptr& escaped) {
      if (escaped) std::rethrow_exception(escaped);
    });
    io.run();
    return *result;
  }

  test::Authority authority_{"Test Root"};
  std::filesystem::path ca_ =
      std::filesystem::temp_directory_path() / ("health-check-ca-" + std::to_string(::getpid()) + ".pem");
  config::UpstreamTls wanted_;
};

TEST_F(HealthCheckOverTls, FailsForACertificateOfSomebodyElse) {
  const TlsServer server(test::self_signed({.names = {"app.test"}}), TlsServer::Manner::answers);
  const auto result = check_port(server.port);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::Code::tls);
}

TEST_F(HealthCheckOverTls, FailsForAnotherName) {
  const TlsServer server(authority_.issue({.names = {"other.test"}}), TlsServer::Manner::answers);
  const auto result = check_port(server.port);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::Code::tls);
}

TEST_F(HealthCheckOverTls, EndsInTimeWhenTheHandshakeDoesNot) {
  const TlsServer server(leaf(), TlsServer::Manner::is_silent);
  const auto result = check_port(server.port, 50ms);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, base::Code::timeout);
}

TEST_F(HealthCheckOverTls, PassesForTheRightName) {
  const TlsServer server(leaf(), TlsServer::Manner::answers);
  const auto result = check_port(server.port);
  EXPECT_TRUE(result) << (result ? "" : result.error().what);
}

}  // namespace
}  // namespace proxy
