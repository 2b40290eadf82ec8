#include "app/small_server.h"

#include <gtest/gtest.h>

#include <mutex>
#include <vector>

#include <boost/asio/connect.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include <fmt/format.h>

#include "base/http_client.h"
#include "tests/support/mint.h"

namespace app {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class SmallServerTest : public testing::Test {
 protected:
  void start(SmallServer::Options options = {}) {
    options.address = {.host = "127.0.0.1", .port = 0};
    options.handler = [](const AdminRequest& request) {
      return AdminAnswer{200, "text/plain", request.method + ' ' + request.target + '\n'};
    };
    auto started = SmallServer::start(std::move(options));
    ASSERT_TRUE(started) << started.error().what;
    server_ = std::move(*started);
  }
  tcp::socket connect() {
    tcp::socket socket(io_);
    socket.connect({asio::ip::make_address("127.0.0.1"), server_->address().port});
    return socket;
  }
  // Everything until the server closes.
  static std::string rest_of(tcp::socket& socket) {
    std::string text;
    boost::system::error_code error;
    asio::read(socket, asio::dynamic_buffer(text), error);
    return text;
  }
  std::string exchange(const std::string& request) {
    tcp::socket socket = connect();
    asio::write(socket, asio::buffer(request));
    return rest_of(socket);
  }

  asio::io_context io_;
  std::unique_ptr<SmallServer> server_;
};

TEST_F(SmallServerTest, CannotListenWhereAnotherListens) {
  start();
  SmallServer::Options options;
  options.address = server_->address();
  const auto second = SmallServer::start(std::move(options));
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().what.find(server_->address().to_string()), std::string::npos) << second.error().what;
}

TEST_F(SmallServerTest, RefusesAHostHeaderOfAStrangersChoosing) {
  start();
  EXPECT_TRUE(
      exchange("GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 403 "));
  EXPECT_TRUE(exchange("GET / HTTP/1.1\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 403 "));
}

TEST_F(SmallServerTest, RefusesGarbageAndHeadersWithoutEnd) {
  start();
  EXPECT_TRUE(exchange("what is this\r\n\r\n").starts_with("HTTP/1.1 400 "));
  EXPECT_TRUE(exchange("GET / HTTP/1.1\r\nX: " + std::string(40'000, 'x')).starts_with("HTTP/1.1 400 "));
}

TEST_F(SmallServerTest, ClosesAConnectionThatSaysNothing) {
  SmallServer::Options options;
  options.timeout = std::chrono::milliseconds(100);
  start(std::move(options));
  tcp::socket socket = connect();
  EXPECT_EQ(rest_of(socket), "");
}

TEST_F(SmallServerTest, ClosesTheSilentConnectionsWhenAProbeNeedsRoom) {
  SmallServer::Options options;
  options.connections = 3;
  options.timeout = std::chrono::minutes(2);
  start(std::move(options));
  std::vector<tcp::socket> silent;
  for (int n = 0; n < 3; ++n) {
    silent.push_back(connect());
    asio::write(silent.back(), asio::buffer(std::string("GET / HTTP/1.1\r\nX: ")));
  }
  EXPECT_NE(exchange("GET /probe HTTP/1.0\r\nHost: localhost\r\n\r\n").find("GET /probe"), std::string::npos);
  EXPECT_EQ(rest_of(silent.front()), "");
}

TEST_F(SmallServerTest, KeepsTheConnectionThatWasAnsweredLast) {
  SmallServer::Options options;
  options.connections = 2;
  options.timeout = std::chrono::minutes(2);
  start(std::move(options));
  const std::string request = "GET /scrape HTTP/1.1\r\nHost: localhost\r\n\r\n";
  const auto scrape = [&](tcp::socket& socket) {
    asio::write(socket, asio::buffer(request));
    std::string text;
    boost::system::error_code error;
    asio::read_until(socket, asio::dynamic_buffer(text), "GET /scrape\n", error);
    return !error;
  };
  tcp::socket scraper = connect();
  EXPECT_TRUE(scrape(scraper));
  tcp::socket silent = connect();
  EXPECT_TRUE(scrape(silent));
  EXPECT_TRUE(scrape(scraper));
  EXPECT_NE(exchange("GET /probe HTTP/1.0\r\nHost: localhost\r\n\r\n").find("GET /probe"), std::string::npos);
  EXPECT_EQ(rest_of(silent), "");
  EXPECT_TRUE(scrape(scraper));
}

TEST_F(SmallServerTest, AnswersWithHeadersThatKeepBrowsersSafe) {
  start();
  base::HttpRequest request;
  request.url = "http://" + server_->address().to_string() + "/page?x=1";
  request.proxy = base::HttpRequest::Proxy::none;
  const auto answer = base::HttpClient().send(request);
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 200U);
  EXPECT_EQ(answer->body, "GET /page?x=1\n");
  EXPECT_TRUE(answer->header("content-security-policy").starts_with("default-src 'none'"));
  EXPECT_EQ(answer->header("x-content-type-options"), "nosniff");
  EXPECT_EQ(answer->header("cache-control"), "no-store");
}

TEST_F(SmallServerTest, AnswersHeadWithoutABody) {
  start();
  const std::string answer = exchange("HEAD /page HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(answer.ends_with("\r\n\r\n"));
}

TEST_F(SmallServerTest, RefusesABodyThatIsTooLarge) {
  SmallServer::Options options;
  options.largest_body = 100;
  start(std::move(options));
  const std::string answer =
      exchange("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 101\r\n\r\n" + std::string(101, 'x'));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 413")) << answer;
}

class SecuredServerTest : public SmallServerTest {
 protected:
  void start_secured(SmallServer::Options options = {}) {
    options.certificate = [this] {
      const std::lock_guard lock(mutex_);
      return shown_;
    };
    start(std::move(options));
  }
  void show(const test::Authority& authority) {
    const auto leaf = authority.issue({.names = {"hook.example.com"}});
    const std::lock_guard lock(mutex_);
    shown_ = certstore::Certificate::from_pem(leaf.chain_pem(), leaf.key_pem()).value();
  }
  base::Result<base::HttpResponse> ask(const test::Authority& believed) {
    base::HttpRequest request{.url = fmt::format("https://hook.example.com:{}/x", server_->address().port)};
    request.headers = {{"Host", "127.0.0.1"}};
    request.connect_to = server_->address().to_string();
    request.ca_pem = believed.pem();
    request.proxy = base::HttpRequest::Proxy::none;
    return base::HttpClient().send(request);
  }

  std::mutex mutex_;
  certstore::CertificatePtr shown_;
};

TEST_F(SecuredServerTest, ClosesConnectionsWhileThereIsNoCertificate) {
  start_secured();
  EXPECT_FALSE(ask(test::Authority("root")));
}

TEST_F(SecuredServerTest, ShowsTheCertificateOfTheMoment) {
  start_secured();
  const test::Authority first("first");
  const test::Authority second("second");
  show(first);
  ASSERT_TRUE(ask(first));
  EXPECT_EQ(ask(first)->body, "GET /x\n");
  EXPECT_FALSE(ask(second));
  show(second);
  EXPECT_TRUE(ask(second));
  EXPECT_FALSE(ask(first));
}

TEST_F(SecuredServerTest, ClosesAConnectionThatDoesNotShakeHands) {
  SmallServer::Options options;
  options.timeout = std::chrono::milliseconds(50);
  start_secured(std::move(options));
  show(test::Authority("root"));
  tcp::socket silent = connect();
  EXPECT_EQ(rest_of(silent), "");
}

}  // namespace
}  // namespace app
