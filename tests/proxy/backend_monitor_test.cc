#include "proxy/backend_monitor.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "proxy/health_checker.h"
#include "tests/proxy/dns_server.h"

namespace proxy {
namespace {

using namespace std::chrono_literals;
using Table = std::shared_ptr<const BackendTable>;

// Answers every connection with one status, on a port of its own.
class HttpServer {
 public:
  HttpServer() : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    if (::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(socket_, 16) != 0) {
      throw std::runtime_error("listen");
    }
    ::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size);
    port = ntohs(address.sin_port);
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }
  ~HttpServer() {
    thread_.request_stop();
    thread_.join();
    ::close(socket_);
  }
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  std::atomic<int> status{200};
  std::uint16_t port = 0;

 private:
  void run(const std::stop_token& stop) {
    while (!stop.stop_requested()) {
      pollfd ready{socket_, POLLIN, 0};
      if (::poll(&ready, 1, 20) != 1) continue;
      const int peer = ::accept(socket_, nullptr, nullptr);
      std::array<char, 1024> request{};
      if (::read(peer, request.data(), request.size()) > 0) {
        const std::string answer = "HTTP/1.1 " + std::to_string(status) + " X\r\nContent-Length: 0\r\n\r\n";
        [[maybe_unused]] const ssize_t sent = ::write(peer, answer.data(), answer.size());
      }
      ::close(peer);
    }
  }

  int socket_;
  std::jthread thread_;
};

// What the monitor has published, to be waited for.
class Published {
 public:
  BackendMonitor::Publish publish() {
    return [this](Table table) {
      const std::lock_guard lock(mutex_);
      newest_ = std::move(table);
      changed_.notify_all();
    };
  }
  template <class Condition>
  bool until(Condition condition) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 20s, [&] { return newest_ && condition(*newest_); });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  Table newest_;
};

config::Backend backend(std::vector<config::Endpoint> endpoints) {
  config::Backend made;
  made.name = "app";
  made.endpoints = std::move(endpoints);
  return made;
}

config::HealthCheck check_often(unsigned unhealthy_after) {
  config::HealthCheck check;
  check.interval = 10ms;
  check.unhealthy_after = unhealthy_after;
  return check;
}

const BackendState& app(const BackendTable& table) {
  return **table.find("app");
}

TEST(BackendMonitor, RefusesAllWhenTrustCannotBeLoaded) {
  Published published;
  BackendMonitor monitor(published.publish());
  EXPECT_TRUE(monitor.table()->empty());
  ASSERT_TRUE(monitor.configure({{"app", backend({{"127.0.0.1", 3000}})}}));
  const Table before = monitor.table();
  config::Backend broken = backend({{"127.0.0.1", 3001}});
  broken.tls.emplace().ca_certificates = "does-not-exist.pem";
  const auto refused = monitor.configure({{"app", broken}});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().what.find("backend app"), std::string::npos);
  EXPECT_EQ(monitor.table(), before);
}

TEST(BackendMonitor, KeepsEndpointStatisticsThroughReloads) {
  Published published;
  BackendMonitor monitor(published.publish());
  ASSERT_TRUE(monitor.configure({{"app", backend({{"127.0.0.1", 3000}, {"::1", 3000}, {"127.0.0.1", 3000, 2}})}}));
  const Table before = monitor.table();
  ASSERT_EQ(app(*before).endpoints.size(), 2U);
  EXPECT_EQ(app(*before).endpoints[0].weight, 3U);  // named twice
  EXPECT_EQ(app(*before).endpoints[0].name, "127.0.0.1:3000");
  ASSERT_TRUE(monitor.configure({{"app", backend({{"127.0.0.1", 3001}, {"127.0.0.1", 3000}})}}));
  const Table after = monitor.table();
  EXPECT_EQ(app(*after).endpoints[1].stats, app(*before).endpoints[0].stats);
  EXPECT_NE(app(*after).endpoints[0].stats, app(*after).endpoints[1].stats);
  ASSERT_TRUE(monitor.configure({{"app", *app(*after).config}}));
  EXPECT_EQ(monitor.table(), after);  // nothing changed: the same objects
}

TEST(BackendMonitor, ChangesTheBackendsThatItIsToldOfAndNoOthers) {
  Published published;
  BackendMonitor monitor(published.publish());
  const auto make = [](std::uint16_t port) {
    return std::make_shared<const config::Backend>(backend({{"127.0.0.1", port}}));
  };
  ASSERT_TRUE(monitor.configure({{"app", *make(3000)}}));
  EXPECT_TRUE(monitor.change({{"other", make(3001)}, {"third", make(3002)}}).empty());
  const Table before = monitor.table();
  ASSERT_EQ(before->size(), 3U);

  config::Backend broken = *make(3003);
  broken.tls.emplace().ca_certificates = "does-not-exist.pem";
  const auto refused = monitor.change(
      {{"app", std::make_shared<const config::Backend>(broken)}, {"other", make(3004)}, {"third", nullptr}});
  ASSERT_EQ(refused.size(), 1U);
  EXPECT_NE(refused.front().what.find("backend app"), std::string::npos);
  const Table after = monitor.table();
  EXPECT_EQ(*after->find("app"), *before->find("app"));
  EXPECT_EQ((*after->find("other"))->endpoints.front().address.port(), 3004);
  EXPECT_EQ(after->find("third"), nullptr);
}

TEST(BackendMonitor, SaysWhyANameHasNoEndpointsAndAsksAgain) {
  test::DnsServer dns;
  Published published;
  BackendMonitor monitor(published.publish(), {.servers = dns.servers(), .timeout = 200ms, .tries = 2});
  ASSERT_TRUE(monitor.configure({{"app", backend({{"app.test.", 3000}})}}));
  const Table first = monitor.table();
  EXPECT_TRUE(app(*first).endpoints.empty());
  EXPECT_NE(app(*first).problem.find("app.test."), std::string::npos);
  dns.set("app.test", {0x7f000001, 0x7f000002}, 5);
  ASSERT_TRUE(published.until([](const BackendTable& table) { return app(table).endpoints.size() == 2; }));
  EXPECT_EQ(app(*monitor.table()).problem, "");
  EXPECT_EQ(app(*monitor.table()).endpoints[0].host, "app.test.");
  // After the TTL the name is gone: what was known stays.
  dns.remove("app.test");
  ASSERT_TRUE(published.until([](const BackendTable& table) { return !app(table).problem.empty(); }));
  EXPECT_EQ(app(*monitor.table()).endpoints.size(), 2U);
}

TEST(BackendMonitor, TakesNewAddressesOfANameInAndOldOnesOutWhenItsTimeHasPassed) {
  test::DnsServer dns;
  dns.set("app.test", {0xc0000201, 0xc0000202}, 1);  // taken for the shortest time that there is
  Published published;
  BackendMonitor monitor(published.publish(), {.servers = dns.servers()});
  ASSERT_TRUE(monitor.configure({{"app", backend({{"app.test.", 3000}})}}));
  const Table before = monitor.table();
  const auto at = [](std::uint32_t address) { return to_endpoint(base::IpAddress::v4(address), 3000); };
  ASSERT_EQ(app(*before).endpoints.size(), 2U);
  EXPECT_EQ(app(*before).endpoints[0].address, at(0xc0000201));
  dns.set("app.test", {0xc0000202, 0xc0000203}, 1);
  ASSERT_TRUE(published.until([&](const BackendTable& table) {
    return !app(table).endpoints.empty() && app(table).endpoints[0].address != at(0xc0000201);
  }));
  const Table after = monitor.table();
  ASSERT_EQ(app(*after).endpoints.size(), 2U);
  EXPECT_EQ(app(*after).endpoints[0].address, at(0xc0000202));
  EXPECT_EQ(app(*after).endpoints[1].address, at(0xc0000203));
  EXPECT_EQ(app(*after).endpoints[0].stats, app(*before).endpoints[1].stats) << "it stayed, and so does its count";
}

TEST(BackendMonitor, KnowsNamesThatAreAnsweredAtOnce) {
  Published published;
  BackendMonitor monitor(published.publish());
  const auto local = backend({{"localhost", 3000}});  // from the file of hosts
  ASSERT_TRUE(monitor.configure({{"app", local}, {"other", local}}));
  for (const char* name : {"app", "other"}) {
    ASSERT_TRUE(monitor.table()->contains(name)) << name;
    EXPECT_FALSE((*monitor.table()->find(name))->endpoints.empty()) << name;
  }
}

TEST(BackendMonitor, DoesNotLetStrangersNamesLeadToThisHost) {
  test::DnsServer dns;
  dns.set("inside.test", {0x7f000001, 0xa9fea9fe, 0xc0000201, 0xc0000209}, 5);
  const base::IpAddress own = base::IpAddress::v4(0xc0000209);
  Published published;
  BackendMonitor monitor(published.publish(), {.servers = dns.servers()}, AddressGuard({own}, 9180));
  const auto made = [](std::vector<config::Endpoint> endpoints) {
    return std::make_shared<const config::Backend>(backend(std::move(endpoints)));
  };
  const BackendMonitor::Shared theirs{{"named", made({{"inside.test.", 80}})},
                                      {"written", made({{"192.0.2.9", 9180}, {"192.0.2.9", 80}})}};
  ASSERT_TRUE(monitor.configure({{"ours", backend({{"inside.test.", 80}})}}, theirs));
  const auto state = [&](const char* name) { return *monitor.table()->find(name); };
  EXPECT_EQ(state("ours")->endpoints.size(), 4U) << "the operator knows";
  ASSERT_EQ(state("named")->endpoints.size(), 1U);
  EXPECT_EQ(state("named")->endpoints.front().address, to_endpoint(base::IpAddress::v4(0xc0000201), 80));
  EXPECT_NE(state("named")->problem.find("127.0.0.1"), std::string::npos) << state("named")->problem;
  ASSERT_EQ(state("written")->endpoints.size(), 1U) << "the admin endpoint is no backend";
  EXPECT_EQ(state("written")->endpoints.front().address.port(), 80);
  EXPECT_TRUE(monitor.change({{"named", made({{"127.0.0.1", 9180}})}}).empty());
  EXPECT_TRUE(state("named")->endpoints.empty());
}

TEST(BackendMonitor, ReadsTheTrustThatManyBackendsShareOnce) {
  Published published;
  BackendMonitor monitor(published.publish());
  config::Backend first = backend({{"192.0.2.1", 443}});
  first.tls.emplace().server_name = "a.example";
  config::Backend second = first;
  second.tls->server_name = "b.example";
  const auto shared = [](const config::Backend& one) { return std::make_shared<const config::Backend>(one); };
  ASSERT_TRUE(monitor.configure({}));
  ASSERT_TRUE(monitor.change({{"first", shared(first)}, {"second", shared(second)}}).empty());
  const auto tls = [&](const char* name) { return (*monitor.table()->find(name))->tls; };
  const auto before = tls("first");
  EXPECT_EQ(SSL_get_SSL_CTX(before->new_client("x").get()), SSL_get_SSL_CTX(tls("second")->new_client("x").get()));
  EXPECT_STREQ(SSL_get_servername(tls("second")->new_client("x").get(), TLSEXT_NAMETYPE_host_name), "b.example");
  first.endpoints.push_back({"192.0.2.2", 443});
  ASSERT_TRUE(monitor.change({{"first", shared(first)}}).empty());
  EXPECT_EQ(tls("first"), before) << "an endpoint more is no other way to speak to it";
}

TEST(BackendMonitor, WaitsForAllNamesWhereOneIsAnsweredAtOnce) {
  test::DnsServer dns;
  dns.set("app.test", {0xc0000201}, 5);
  Published published;
  BackendMonitor monitor(published.publish(), {.servers = dns.servers()});
  ASSERT_TRUE(monitor.configure({{"a", backend({{"localhost", 3000}})}, {"b", backend({{"app.test.", 3000}})}}));
  EXPECT_EQ((*monitor.table()->find("b"))->endpoints.size(), 1U);
}

TEST(BackendMonitor, DoesNotWaitLongerThanItsPatience) {
  test::DnsServer dns;
  dns.fall_silent();
  Published published;
  BackendMonitor monitor(published.publish(), {.servers = dns.servers(), .timeout = 30'000ms, .tries = 1});
  ASSERT_TRUE(monitor.configure({{"app", backend({{"app.test.", 3000}})}}, {}, 50ms));
  EXPECT_TRUE(published.until([](const BackendTable& table) { return app(table).endpoints.empty(); }));
}

TEST(BackendMonitor, TurnsEndpointsUnhealthyAndBack) {
  HttpServer server;
  server.status = 500;
  config::Backend checked = backend({{"127.0.0.1", server.port}});
  checked.health_check = check_often(2);
  Published published;
  BackendMonitor monitor(published.publish());
  ASSERT_TRUE(monitor.configure({{"app", checked}}));
  ASSERT_TRUE(published.until([](const BackendTable& table) { return !app(table).endpoints[0].healthy; }));
  EXPECT_NE(app(*monitor.table()).problem.find("answered 500"), std::string::npos) << app(*monitor.table()).problem;
  // A reload keeps what is known.
  ASSERT_TRUE(monitor.configure({{"app", checked}}));
  EXPECT_FALSE(app(*monitor.table()).endpoints[0].healthy);
  server.status = 204;
  ASSERT_TRUE(published.until([](const BackendTable& table) { return app(table).endpoints[0].healthy; }));
}

TEST(BackendMonitor, ChecksHttp2ByConnecting) {
  HttpServer server;
  server.status = 500;  // never asked
  config::Backend checked = backend({{"127.0.0.1", server.port}, {"127.0.0.1", 1}});
  checked.protocol = config::UpstreamProtocol::http2;
  checked.health_check = check_often(1);
  Published published;
  BackendMonitor monitor(published.publish());
  ASSERT_TRUE(monitor.configure({{"app", checked}}));
  ASSERT_TRUE(published.until([](const BackendTable& table) { return !app(table).endpoints[1].healthy; }));
  EXPECT_TRUE(app(*monitor.table()).endpoints[0].healthy);
}

TEST(HealthThreshold, CountsOnlyAnswersInARow) {
  HealthThreshold threshold(2, 3);
  EXPECT_FALSE(threshold.observe(false));
  EXPECT_FALSE(threshold.observe(false));
  EXPECT_FALSE(threshold.observe(true));
  EXPECT_FALSE(threshold.observe(false));
  EXPECT_FALSE(threshold.observe(false));
  EXPECT_TRUE(threshold.observe(false));
  EXPECT_FALSE(threshold.healthy());
  EXPECT_FALSE(threshold.observe(true));
  EXPECT_TRUE(threshold.observe(true));
  EXPECT_TRUE(threshold.healthy());
}

TEST(ParseStatus, TakesOnlyStatusLines) {
  for (const std::string_view text :
       {"", "HTTP/1.1 20", "HTTP/2 200 OK", "HTTP/1.1x200", "HTTP/1.1 2x0", "SSH-2.0-OpenSSH"}) {
    EXPECT_EQ(parse_status(text), 0U) << text;
  }
  EXPECT_EQ(parse_status("HTTP/1.0 503"), 503U);
  EXPECT_EQ(parse_status("HTTP/1.1 200 OK\r\n"), 200U);
}

TEST(Jitter, StaysWithinATenth) {
  EXPECT_EQ(jittered(1000ms, 0.0), 900ms);
  EXPECT_EQ(jittered(1000ms, 0.5), 1000ms);
  EXPECT_LE(jittered(1000ms, 0.999), 1100ms);
}

}  // namespace
}  // namespace proxy
