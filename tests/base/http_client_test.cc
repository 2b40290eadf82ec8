#include "base/http_client.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <memory>
#include <stop_token>
#include <string>
#include <thread>

#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"
#include "tests/support/scripted_server.h"

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

TEST(HttpClient, EndsAPauseThatIsTooLong) {
  const auto feed = std::make_shared<test::Feed>();
  feed->say("first");
  test::ScriptedServer server([&](const auto&) { return test::ScriptedServer::Reply{.feed = feed}; });
  HttpRequest request{.url = server.url("/")};
  request.idle_timeout = std::chrono::milliseconds(100);
  std::string seen;
  request.on_body = [&](std::string_view piece) {
    seen += piece;
    return true;
  };
  const auto answer = HttpClient().send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::timeout);
  EXPECT_EQ(seen, "first");
}

TEST(HttpClient, TellsThatAStreamHasBegunBeforeItsFirstByte) {
  const auto feed = std::make_shared<test::Feed>();
  test::ScriptedServer server([&](const auto&) { return test::ScriptedServer::Reply{.feed = feed}; });
  HttpRequest request{.url = server.url("/")};
  std::vector<std::string> pieces;
  request.on_body = [&](std::string_view piece) {
    pieces.emplace_back(piece);
    if (piece.empty()) feed->say("first");
    return pieces.size() < 2;
  };
  ASSERT_FALSE(HttpClient().send(request));
  EXPECT_EQ(pieces, (std::vector<std::string>{"", "first"}));
}

TEST(HttpClient, StopsAtOnceWhileItWaitsForMore) {
  const auto feed = std::make_shared<test::Feed>();
  feed->say("first");
  test::ScriptedServer server([&](const auto&) { return test::ScriptedServer::Reply{.feed = feed}; });
  HttpRequest request{.url = server.url("/")};
  std::stop_source stop;
  std::jthread stopping;
  request.on_body = [&](std::string_view) {
    stopping = std::jthread([&] { stop.request_stop(); });
    return true;
  };
  const auto begun = std::chrono::steady_clock::now();
  const auto answer = HttpClient().send(request, stop.get_token());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::cancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, std::chrono::milliseconds(700));
}

TEST(HttpClient, KeepsTheBodyOfARefusalFromWhoReadsAStream) {
  test::ScriptedServer server(
      [&](const auto&) { return test::ScriptedServer::Reply{.status = 410, .body = "too old"}; });
  HttpRequest request{.url = server.url("/")};
  request.on_body = [&](std::string_view) {
    ADD_FAILURE();
    return true;
  };
  const auto answer = HttpClient().send(request);
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->body, "too old");
}

TEST(HttpClient, EndsAStreamThatItsReceiverDoesNotWant) {
  const auto feed = std::make_shared<test::Feed>();
  feed->say("first");
  test::ScriptedServer server([&](const auto&) { return test::ScriptedServer::Reply{.feed = feed}; });
  HttpRequest request{.url = server.url("/")};
  request.on_body = [](std::string_view) { return false; };
  const auto answer = HttpClient().send(request);
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, Code::cancelled);
}

class HttpsClient : public testing::Test {
 protected:
  static test::TlsIdentity identity(const test::Authority& authority, std::vector<std::string> names) {
    const auto leaf = authority.issue({.names = std::move(names)});
    return {leaf.chain_pem(), leaf.key_pem()};
  }
  HttpRequest request() { return {.url = server_.url("/"), .ca_pem = authority_.pem()}; }

  test::Authority authority_{"first authority"};
  test::ScriptedServer server_{[](const auto& request) { return test::ScriptedServer::Reply{.body = request.client}; },
                               identity(authority_, {"127.0.0.1"})};
};

TEST_F(HttpsClient, TrustsNobodyButTheAuthorityInMemory) {
  HttpClient client;
  HttpRequest asked = request();
  EXPECT_TRUE(client.send(asked));
  asked.ca_pem = test::Authority("another").pem();
  const auto refused = client.send(asked);  // also over the connection that is open
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::tls);
  asked.verification = HttpRequest::Verification::none;
  EXPECT_TRUE(client.send(asked));
}

TEST_F(HttpsClient, ReadsTheFileOfAuthoritiesAgain) {
  const test::ScratchFolder scratch;
  scratch.write("ca.crt", authority_.pem());
  HttpClient client;
  HttpRequest asked{.url = server_.url("/"), .ca_file = scratch / "ca.crt"};
  ASSERT_TRUE(client.send(asked));
  const test::Authority next("second authority");
  server_.show(identity(next, {"127.0.0.1"}));
  server_.drop_connections();
  scratch.write("ca.crt", next.pem());
  const auto answer = client.send(asked);
  EXPECT_TRUE(answer) << answer.error().what;
}

TEST_F(HttpsClient, ShowsItsCertificate) {
  auto shown = identity(authority_, {"127.0.0.1"});
  shown.client_ca_pem = authority_.pem();
  server_.show(shown);
  const auto leaf = authority_.issue({.names = {"who.example.com"}, .common_name = "who"});
  HttpRequest asked = request();
  asked.client_certificate_pem = leaf.chain_pem();
  asked.client_key_pem = leaf.key_pem();
  const auto answer = HttpClient().send(asked);
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->body, "who");
}

TEST_F(HttpsClient, ConnectsElsewhereAndStillChecksTheNameOfTheUrl) {
  server_.show(identity(authority_, {"kubernetes.default"}));
  HttpRequest asked = request();
  EXPECT_EQ(HttpClient().send(asked).error().code, Code::tls);
  asked.url = "https://kubernetes.default/";
  asked.connect_to = server_.address();
  const auto answer = HttpClient().send(asked);
  EXPECT_TRUE(answer) << answer.error().what;
}

}  // namespace
}  // namespace base
