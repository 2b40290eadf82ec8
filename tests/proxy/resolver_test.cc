#include "proxy/resolver.h"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "tests/proxy/dns_server.h"

namespace proxy {
namespace {

using namespace std::chrono_literals;

awaitable<void> ask(const Resolver& resolver, std::string host, std::optional<base::Result<Resolution>>& into) {
  into = co_await resolver.resolve(std::move(host));
}

base::Result<Resolution> resolve(const test::DnsServer& server, const std::string& host) {
  asio::io_context io;
  const Resolver resolver(io, {.servers = server.servers(), .timeout = 100ms, .tries = 2});
  std::optional<base::Result<Resolution>> answer;
  asio::co_spawn(io, ask(resolver, host, answer), [](const std::exception_ptr& escaped) {
    if (escaped) std::rethrow_exception(escaped);
  });
  io.run();  // ends only if nothing is left waiting
  return *std::move(answer);
}

TEST(Resolver, TellsUnknownNamesFromSilentServers) {
  test::DnsServer server;
  const auto unknown = resolve(server, "unknown.test.");
  ASSERT_FALSE(unknown);
  EXPECT_EQ(unknown.error().code, base::Code::not_found);
  EXPECT_TRUE(unknown.error().what.starts_with("unknown.test.")) << unknown.error().what;
  server.set("empty.test", {}, 60);
  const auto empty = resolve(server, "empty.test.");
  ASSERT_FALSE(empty);
  EXPECT_EQ(empty.error().code, base::Code::not_found);
  server.fall_silent();
  const auto silent = resolve(server, "empty.test.");
  ASSERT_FALSE(silent);
  EXPECT_EQ(silent.error().code, base::Code::timeout);
}

TEST(Resolver, RefusesWhatIsNoName) {
  test::DnsServer server;
  EXPECT_FALSE(resolve(server, ""));
  EXPECT_FALSE(resolve(server, std::string(300, 'a') + ".test."));
  EXPECT_FALSE(resolve(server, "a..b.test."));
}

TEST(Resolver, GivesSortedAddressesWithTheirTtl) {
  test::DnsServer server;
  server.set("app.test", {0x7f000003, 0x7f000001, 0x7f000003}, 77);
  const auto answer = resolve(server, "app.test.");
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->addresses.size(), 2U);
  EXPECT_EQ(answer->addresses[0].to_string(), "127.0.0.1");
  EXPECT_EQ(answer->addresses[1].to_string(), "127.0.0.3");
  EXPECT_EQ(answer->ttl, 77s);
  server.set("app.test", {0x7f000001}, 0);
  EXPECT_EQ(resolve(server, "app.test.")->ttl, 5s);
}

TEST(Resolver, KnowsTheHostsFile) {
  test::DnsServer server;
  const auto answer = resolve(server, "localhost");
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->addresses.empty());
  EXPECT_EQ(answer->ttl, 30s);
}

TEST(Resolver, BoundsTtlAndBackoff) {
  EXPECT_EQ(bounded_ttl(0s), 5s);
  EXPECT_EQ(bounded_ttl(300s), 300s);
  EXPECT_EQ(bounded_ttl(1'000'000s), 1h);
  EXPECT_EQ(resolve_backoff(0), 1s);
  EXPECT_EQ(resolve_backoff(3), 8s);
  EXPECT_EQ(resolve_backoff(1000), 60s);
}

}  // namespace
}  // namespace proxy
