#include "acme/preflight.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <thread>

#include "base/stoppable_wait.h"
#include "tests/acme/named_server.h"

namespace acme {
namespace {

using namespace std::chrono_literals;
using config::ChallengeType;
using Verdict = Finding::Verdict;

// What is put in, for a server of the test to answer from.
class TestTable final : public ChallengeTable {
 public:
  base::Result<void> put_http01(const std::string& token, const std::string& answer, std::stop_token) override {
    const std::lock_guard lock(mutex_);
    http01[token] = answer;
    return {};
  }
  base::Result<void> put_tls_alpn01(const std::string&, const certstore::CertificatePtr&, std::stop_token) override {
    return {};
  }
  void remove_http01(const std::string& token) override {
    const std::lock_guard lock(mutex_);
    http01.erase(token);
  }
  void remove_tls_alpn01(const std::string&) override {}
  std::string answer_for(const std::string& request) {
    const std::lock_guard lock(mutex_);
    for (const auto& [token, answer] : http01) {
      if (request.starts_with("GET /.well-known/acme-challenge/" + token + " ")) return answer;
    }
    return {};
  }
  std::map<std::string, std::string> http01;

 private:
  std::mutex mutex_;
};

// Answers each connection with what `reply` makes of its request.
class HttpServer {
 public:
  using Reply = std::function<std::string(const std::string&)>;
  explicit HttpServer(Reply reply) : reply_(std::move(reply)), listener_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(listener_.number(), reinterpret_cast<sockaddr*>(&address), size);
    ::listen(listener_.number(), 16);
    ::getsockname(listener_.number(), reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { serve(stop); });
  }
  std::uint16_t port = 0;
  std::string last_request;

 private:
  void serve(const std::stop_token& stop) {
    while (true) {
      base::StoppableWait wait(std::chrono::steady_clock::now() + 60s, stop);
      if (!wait.for_descriptor(listener_.number(), POLLIN)) return;
      const base::Descriptor client(::accept(listener_.number(), nullptr, nullptr));
      std::array<char, 4096> block{};
      const ssize_t got = ::recv(client.number(), block.data(), block.size(), 0);
      if (got <= 0) continue;
      last_request.assign(block.data(), static_cast<std::size_t>(got));
      const std::string reply = reply_(last_request);
      static_cast<void>(::send(client.number(), reply.data(), reply.size(), MSG_NOSIGNAL));
    }
  }
  Reply reply_;
  base::Descriptor listener_;
  std::jthread thread_;
};

std::string ok(const std::string& body) {
  return fmt::format("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}", body.size(), body);
}

struct Looked {
  std::vector<Finding> findings;
  [[nodiscard]] const Finding& at(std::string_view check) const {
    const auto found = std::ranges::find(findings, check, &Finding::check);
    if (found == findings.end()) throw std::runtime_error("no finding of " + std::string(check));
    return *found;
  }
};

Looked look(TestTable& table, const std::string& host, ChallengeType challenge, unsigned port = 1,
            const Directory& directory = {.caa_identities = {"letsencrypt.org"}, .clock_ahead = 1s}) {
  Preflight preflight(table, base::system_clock(),
                      {.nameservers = {test::named().address()}, .http_port = port, .tls_port = port, .timeout = 5s});
  return {preflight.look({identifier_of(host)}, challenge, directory, "https://ca.test/acct/1", {})};
}

TEST(Preflight, FindsANameThatDoesNotResolve) {
  TestTable table;
  const Finding finding = look(table, "missing.example.test", ChallengeType::http01).at("resolves");
  EXPECT_EQ(finding.verdict, Verdict::bad);
  EXPECT_EQ(finding.name, "missing.example.test");
}

TEST(Preflight, FindsAnotherServerOnPort80) {
  TestTable table;
  const HttpServer server([](const std::string&) { return ok("welcome"); });
  const Finding finding =
      look(table, "local.example.test", ChallengeType::http01, server.port).at(fmt::format("port {}", server.port));
  EXPECT_EQ(finding.verdict, Verdict::bad) << finding.text;
}

TEST(Preflight, DoesNotJudgeWhatCannotBeReachedFromHere) {
  TestTable table;
  const Finding finding = look(table, "local.example.test", ChallengeType::http01, 1).at("port 1");
  EXPECT_EQ(finding.verdict, Verdict::unknown) << finding.text;
}

TEST(Preflight, DoesNotFollowRedirects) {
  TestTable table;
  const HttpServer server([](const std::string&) {
    return std::string("HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n");
  });
  const Finding finding =
      look(table, "local.example.test", ChallengeType::http01, server.port).at(fmt::format("port {}", server.port));
  EXPECT_EQ(finding.verdict, Verdict::unknown) << finding.text;
}

TEST(Preflight, KnowsItsOwnFleetByAToken) {
  TestTable table;
  const HttpServer server([&](const std::string& request) { return ok(table.answer_for(request)); });
  const Finding finding =
      look(table, "local.example.test", ChallengeType::http01, server.port).at(fmt::format("port {}", server.port));
  EXPECT_EQ(finding.verdict, Verdict::good) << finding.text;
  EXPECT_NE(server.last_request.find(fmt::format("Host: local.example.test:{}\r\n", server.port)), std::string::npos);
  EXPECT_TRUE(table.http01.empty()) << "the token goes away again";
}

TEST(Preflight, FindsAServerThatDoesNotSpeakTls) {
  TestTable table;
  const HttpServer server([](const std::string&) { return ok("welcome"); });
  const Finding finding =
      look(table, "local.example.test", ChallengeType::tls_alpn01, server.port).at(fmt::format("port {}", server.port));
  EXPECT_EQ(finding.verdict, Verdict::bad) << finding.text;
}

TEST(Preflight, FindsTheZoneOfADnsChallengeOrThatThereIsNone) {
  TestTable table;
  EXPECT_EQ(look(table, "www.nowhere", ChallengeType::dns01).at("zone").verdict, Verdict::bad);
  EXPECT_EQ(look(table, "loop1.nowhere", ChallengeType::dns01).at("zone").verdict, Verdict::bad);
  EXPECT_EQ(look(table, "*.example.test", ChallengeType::dns01).at("zone").verdict, Verdict::good);
  EXPECT_NE(look(table, "moved.example.test", ChallengeType::dns01).at("zone").text.find("delegated.test"),
            std::string::npos);
}

TEST(Preflight, ClimbsToTheCaaRecordsThatDecide) {
  TestTable table;
  EXPECT_EQ(look(table, "*.deep.example.test", ChallengeType::dns01).at("CAA").verdict, Verdict::bad);
  EXPECT_EQ(look(table, "www.deep.example.test", ChallengeType::dns01).at("CAA").verdict, Verdict::good);
  EXPECT_EQ(look(table, "strict.example.test", ChallengeType::dns01).at("CAA").verdict, Verdict::good);
  const Finding other =
      look(table, "www.example.test", ChallengeType::dns01, 1, {.caa_identities = {"other.test"}}).at("CAA");
  EXPECT_EQ(other.verdict, Verdict::bad);
  EXPECT_NE(other.text.find("CAA 0 issue \"other.test\""), std::string::npos) << other.text;
  EXPECT_EQ(look(table, "www.example.test", ChallengeType::dns01, 1, {}).at("CAA").verdict, Verdict::unknown);
}

TEST(Preflight, NoticesAClockThatIsWrong) {
  TestTable table;
  for (const auto& [ahead, verdict] : std::initializer_list<std::pair<std::chrono::seconds, Verdict>>{
           {301s, Verdict::bad}, {-301s, Verdict::bad}, {300s, Verdict::good}, {-300s, Verdict::good}}) {
    EXPECT_EQ(look(table, "www.nowhere", ChallengeType::dns01, 1, {.clock_ahead = ahead}).at("clock").verdict, verdict);
  }
  EXPECT_EQ(look(table, "www.nowhere", ChallengeType::dns01, 1, {}).at("clock").verdict, Verdict::unknown);
}

}  // namespace
}  // namespace acme
