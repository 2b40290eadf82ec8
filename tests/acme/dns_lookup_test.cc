#include "acme/dns_lookup.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "tests/acme/named_server.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

DnsLookup lookup() {
  return DnsLookup({{test::named().address()}, 10s});
}

// A UDP socket that nobody answers from.
struct SilentServer {
  SilentServer() : socket(::socket(AF_INET, SOCK_DGRAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(socket.number(), reinterpret_cast<sockaddr*>(&address), size);
    ::getsockname(socket.number(), reinterpret_cast<sockaddr*>(&address), &size);
    text = fmt::format("127.0.0.1:{}", ntohs(address.sin_port));
  }
  base::Descriptor socket;
  std::string text;
};

TEST(DnsLookup, GivesUpWhenNobodyAnswers) {
  const SilentServer silent;
  const auto answer = DnsLookup({{silent.text}, 200ms}).ask({"www.example.test", DnsType::a}, {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, base::Code::timeout);
  EXPECT_EQ(answer.error().retry, base::Retry::later);
}

TEST(DnsLookup, EndsWhenStopped) {
  const SilentServer silent;
  std::stop_source stop;
  std::jthread stopper([&] {
    std::array<char, 512> question{};
    static_cast<void>(::recv(silent.socket.number(), question.data(), question.size(), 0));
    stop.request_stop();
  });
  const auto answer = DnsLookup({{silent.text}, 60s}).ask({"www.example.test", DnsType::a}, stop.get_token());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().code, base::Code::cancelled);
}

TEST(DnsLookup, RefusesWhatIsNoName) {
  EXPECT_FALSE(lookup().ask({"a..b", DnsType::a}, {}));
  EXPECT_FALSE(lookup().ask({std::string(300, 'a'), DnsType::a}, {}));
}

TEST(DnsLookup, AsksTheNextServerWhereOneIsSilent) {
  const SilentServer silent;
  const auto found = DnsLookup({{silent.text, test::named().address()}, 2s}).addresses("www.example.test", {});
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_EQ(found->size(), 2U);
}

TEST(DnsLookup, FindsAddressesOfBothFamiliesAndThroughAnAlias) {
  for (const char* name : {"www.example.test", "alias.example.test", "WWW.Example.Test."}) {
    const auto found = lookup().addresses(name, {});
    ASSERT_TRUE(found) << found.error().what;
    ASSERT_EQ(found->size(), 2U) << name;
    EXPECT_EQ(found->at(0).to_string(), "2001:db8::1");
    EXPECT_EQ(found->at(1).to_string(), "192.0.2.1");
  }
}

TEST(DnsLookup, TakesANameThatIsNotThereForAnAnswer) {
  const auto found = lookup().addresses("missing.example.test", {});
  ASSERT_TRUE(found) << found.error().what;
  EXPECT_TRUE(found->empty());
}

TEST(DnsLookup, AsksByStreamWhereADatagramIsTooSmall) {
  const auto answer = lookup().ask({"big.example.test", DnsType::txt}, {});
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_FALSE(answer->truncated);
  EXPECT_EQ(answer->contents("big.example.test", DnsType::txt).size(), 40U);
}

TEST(DnsLookup, JoinsTheStringsOfOneText) {
  const auto answer = lookup().ask({"two.example.test", DnsType::txt}, {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->contents("two.example.test", DnsType::txt), std::vector<std::string>{"firstsecond"});
}

TEST(DnsLookup, ReadsCaaRecords) {
  const auto answer = lookup().ask({"example.test", DnsType::caa}, {});
  ASSERT_TRUE(answer);
  ASSERT_EQ(answer->answers.size(), 2U);
  const auto wild = std::ranges::find(answer->answers, "issuewild", &ResourceRecord::caa_tag);
  ASSERT_NE(wild, answer->answers.end());
  EXPECT_EQ(wild->content, ";");
  EXPECT_EQ(wild->caa_flags, 0);
}

TEST(DnsLookup, StopsAtALoopOfAliases) {
  EXPECT_FALSE(lookup().follow_cname("loop1.example.test", {}));
}

TEST(DnsLookup, FollowsEightAliasesAndNoMore) {
  const auto eight = lookup().follow_cname("chain2.example.test", {});
  ASSERT_TRUE(eight) << eight.error().what;
  EXPECT_EQ(*eight, "chain10.example.test");
  EXPECT_FALSE(lookup().follow_cname("chain1.example.test", {}));
}

TEST(DnsLookup, FindsTheZoneOfANameThatIsNotThere) {
  const auto zone = lookup().zone_of("_acme-challenge.deep.below.example.test", {});
  ASSERT_TRUE(zone) << zone.error().what;
  EXPECT_EQ(*zone, "example.test");
}

TEST(DnsLookup, FindsNoZoneBelowTheRootAlone) {
  const auto zone = lookup().zone_of("www.nowhere", {});
  ASSERT_FALSE(zone);
  EXPECT_EQ(zone.error().code, base::Code::not_found);
}

TEST(DnsLookup, KnowsTheServersOfAZone) {
  const auto found = lookup().authorities("example.test", {});
  ASSERT_TRUE(found) << found.error().what;
  ASSERT_EQ(found->size(), 1U);
  EXPECT_EQ(found->front().name, "ns.example.test");
  ASSERT_EQ(found->front().addresses.size(), 1U);
  EXPECT_EQ(found->front().addresses.front().to_string(), test::named().address());
}

TEST(Nameservers, AreThoseOfTheSystemsFile) {
  const auto servers = nameservers_of(
      "# one\nnameserver 192.0.2.1\noptions ndots:5\nnameserver\t2001:db8::1\nnameserver x\n"
      "nameserver 192.0.2.3\nnameserver 192.0.2.4\n");
  ASSERT_EQ(servers.size(), 3U);
  EXPECT_EQ(servers[0].to_string(), "192.0.2.1:53");
  EXPECT_EQ(servers[1].to_string(), "[2001:db8::1]:53");
  EXPECT_EQ(servers[2].to_string(), "192.0.2.3:53");
  EXPECT_EQ(nameservers_of("").front().to_string(), "127.0.0.1:53");
}

TEST(DnsServer, IsReadWithAndWithoutAPort) {
  for (const char* bad :
       {"", ":53", "ns.example.test:53", "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:99999", "[::1", "[::1]x"}) {
    EXPECT_FALSE(DnsServer::parse(bad)) << bad;
  }
  EXPECT_EQ(DnsServer::parse("192.0.2.1:5353")->to_string(), "192.0.2.1:5353");
  EXPECT_EQ(DnsServer::parse("[2001:db8::1]:5353")->to_string(), "[2001:db8::1]:5353");
  EXPECT_EQ(DnsServer::parse("2001:db8::1")->to_string(), "[2001:db8::1]:53");
}

}  // namespace
}  // namespace acme
