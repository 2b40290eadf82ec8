#include "base/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <string>
#include <thread>

namespace base {
namespace {

// Accepts one connection, reads a request head, answers with fixed bytes, or with nothing until it is destroyed.
class OneAnswer {
 public:
  explicit OneAnswer(std::string answer) : answer_(std::move(answer)), listening_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    EXPECT_EQ(::bind(listening_, reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(listening_, 1), 0);
    EXPECT_EQ(::getsockname(listening_, reinterpret_cast<sockaddr*>(&address), &size), 0);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneAnswer() {
    ::shutdown(listening_, SHUT_RDWR);
    thread_.join();
    if (connection_ >= 0) ::close(connection_);
    ::close(listening_);
  }
  OneAnswer(const OneAnswer&) = delete;
  OneAnswer& operator=(const OneAnswer&) = delete;

  [[nodiscard]] HttpRequest request() const {
    HttpRequest request;
    request.url = "http://127.0.0.1:" + std::to_string(port_) + "/";
    request.timeout = std::chrono::seconds(20);
    request.proxy = HttpRequest::Proxy::none;
    return request;
  }
  // After the exchange.
  [[nodiscard]] const std::string& seen() const { return seen_; }

 private:
  void serve() {
    connection_ = ::accept(listening_, nullptr, nullptr);
    if (connection_ < 0) return;
    char bytes[4096];
    while (seen_.find("\r\n\r\n") == std::string::npos) {
      const auto got = ::recv(connection_, bytes, sizeof bytes, 0);
      if (got <= 0) return;
      seen_.append(bytes, static_cast<std::size_t>(got));
    }
    if (answer_.empty()) return;
    static_cast<void>(::send(connection_, answer_.data(), answer_.size(), MSG_NOSIGNAL));
    ::shutdown(connection_, SHUT_WR);
  }

  std::string answer_;
  std::string seen_;
  int listening_;
  int connection_ = -1;
  unsigned port_ = 0;
  std::thread thread_;
};

TEST(HttpClient, RefusesAUrlThatIsNone) {
  HttpRequest request;
  request.url = "file:///etc/passwd";
  const auto answer = HttpClient().send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::invalid);
}

TEST(HttpClient, RefusesALineBreakInAHeaderField) {
  const OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  HttpRequest request = server.request();
  request.headers.push_back({"X-Name", "value\r\nX-Other: value"});
  const auto answer = HttpClient().send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::invalid);
}

TEST(HttpClient, SaysThatNobodyListens) {
  HttpRequest request;
  {
    const OneAnswer server("");
    request = server.request();
  }
  const auto answer = HttpClient().send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::unreachable);
}

TEST(HttpClient, EndsAtTheDeadlineWhenNoAnswerComes) {
  const OneAnswer server("");
  HttpRequest request = server.request();
  request.timeout = std::chrono::milliseconds(200);
  const auto answer = HttpClient().send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::timeout);
}

TEST(HttpClient, EndsWhenItIsAskedToStop) {
  const OneAnswer server("");
  std::stop_source stop;
  stop.request_stop();
  const auto answer = HttpClient().send(server.request(), stop.get_token());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::cancelled);
}

TEST(HttpClient, RefusesAnAnswerThatIsTooLarge) {
  const OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + std::string(100, 'x'));
  HttpRequest request = server.request();
  request.body_limit = 99;
  const auto answer = HttpClient().send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::too_large);
}

TEST(HttpClient, RefusesAnAnswerThatIsCutOff) {
  const OneAnswer server("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort");
  const auto answer = HttpClient().send(server.request());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::closed);
}

TEST(HttpClient, TakesAnyStatusForAnAnswer) {
  const OneAnswer server("HTTP/1.1 503 Busy\r\nRetry-After:  7 \r\nContent-Length: 4\r\n\r\nbusy");
  HttpRequest request = server.request();
  request.method = "POST";
  request.headers.push_back({"X-Mine", "1"});
  const auto answer = HttpClient().send(request);
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->status, 503U);
  EXPECT_EQ(answer->header("retry-after"), "7");
  EXPECT_EQ(answer->header("absent"), "");
  EXPECT_EQ(answer->body, "busy");
  EXPECT_TRUE(server.seen().starts_with("POST / HTTP/1.1\r\n"));
  EXPECT_NE(server.seen().find("X-Mine: 1\r\n"), std::string::npos);
}

}  // namespace
}  // namespace base
