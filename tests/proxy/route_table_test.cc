#include "proxy/route_table.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "proxy/stats.h"

namespace proxy {
namespace {

config::Route route(std::string name, std::vector<std::string> hosts, std::string path,
                    config::PathMatch::Kind kind = config::PathMatch::Kind::prefix) {
  config::Route made;
  made.name = std::move(name);
  made.hosts = std::move(hosts);
  made.path = {kind, std::move(path)};
  made.action = config::Respond{};
  return made;
}

constexpr auto exact = config::PathMatch::Kind::exact;

RequestHead request(std::string authority, std::string target, std::string method = "GET") {
  RequestHead head;
  head.authority = std::move(authority);
  head.target = std::move(target);
  head.method = std::move(method);
  return head;
}

std::string matched(const RouteTable& table, const RequestHead& head) {
  const CompiledRoute* found = table.match(head);
  return found == nullptr ? "none" : found->config.name;
}

TEST(RouteTable, MatchesNothingWhenItIsEmpty) {
  RouteSlots slots;
  const RouteTable table({}, slots);
  EXPECT_EQ(matched(table, request("a.example", "/")), "none");
  EXPECT_EQ(matched(table, request("", "")), "none");
}

TEST(RouteTable, PrefersExactHostThenOneLabelWildcardThenAny) {
  RouteSlots slots;
  const RouteTable table(
      {route("any", {}, "/"), route("wild", {"*.example.com"}, "/"), route("exact", {"www.example.com"}, "/")}, slots);
  EXPECT_EQ(matched(table, request("www.example.com", "/")), "exact");
  EXPECT_EQ(matched(table, request("www.example.com:8443", "/")), "exact");
  EXPECT_EQ(matched(table, request("www.example.com.", "/")), "exact");
  EXPECT_EQ(matched(table, request("api.example.com", "/")), "wild");
  EXPECT_EQ(matched(table, request("a.b.example.com", "/")), "any");
  EXPECT_EQ(matched(table, request("example.com", "/")), "any");
  EXPECT_EQ(matched(table, request(".example.com", "/")), "any");
  EXPECT_EQ(matched(table, request("", "/")), "any");
}

TEST(RouteTable, DoesNotFallThroughToALessSpecificHost) {
  RouteSlots slots;
  const RouteTable table(
      {route("any", {}, "/"), route("exact", {"www.example.com"}, "/app"), route("wild", {"*.example.com"}, "/")},
      slots);
  EXPECT_EQ(matched(table, request("www.example.com", "/other")), "none");
}

TEST(RouteTable, NoSpellingGetsAroundTheRouteThatGuardsAPath) {
  RouteSlots slots;
  const RouteTable table({route("site", {}, "/"), route("admin", {}, "/admin"), route("exact", {}, "/admin/x", exact),
                          route("matrix", {}, "/shop;v=2")},
                         slots);
  for (const char* path :
       {"//admin", "/admin;x", "/admin;x/y", "/admin%2fy", "/%2fadmin", "/admin\\y", "/admin%3bx", "///admin//y?/"}) {
    EXPECT_EQ(matched(table, request("a.example", path)), "admin") << path;
  }
  EXPECT_EQ(matched(table, request("a.example", "//admin;a/x")), "exact");
  EXPECT_EQ(matched(table, request("a.example", "/shop;v=2")), "matrix");
  EXPECT_EQ(matched(table, request("a.example", "/a//b;c")), "site");
}

TEST(RouteTable, PrefersExactPathThenLongerPrefix) {
  RouteSlots slots;
  const RouteTable table({route("root", {}, "/"), route("app", {}, "/app"), route("longer", {}, "/app/admin/"),
                          route("exact", {}, "/app/admin", exact)},
                         slots);
  EXPECT_EQ(matched(table, request("h", "/app/admin")), "exact");
  EXPECT_EQ(matched(table, request("h", "/app/admin?x=/")), "exact");
  EXPECT_EQ(matched(table, request("h", "/app/admin/x")), "longer");
  EXPECT_EQ(matched(table, request("h", "/app/administrator")), "app");
  EXPECT_EQ(matched(table, request("h", "/apple")), "root");
  EXPECT_EQ(matched(table, request("h", "*", "OPTIONS")), "root");
}

TEST(RouteTable, PrefersMoreConditionsThenTheOrderOfTheConfiguration) {
  config::Route with_method = route("method", {}, "/a");
  with_method.methods = {"POST", "PUT"};
  config::Route with_both = route("both", {}, "/a");
  with_both.methods = {"POST"};
  with_both.headers = {{.name = "x-canary", .kind = config::HeaderMatch::Kind::exact, .value = "yes"}};
  RouteSlots slots;
  const RouteTable table({route("first", {}, "/a"), route("second", {}, "/a"), with_method, with_both}, slots);
  EXPECT_EQ(matched(table, request("h", "/a")), "first");
  EXPECT_EQ(matched(table, request("h", "/a", "PUT")), "method");
  EXPECT_EQ(matched(table, request("h", "/a", "post")), "first");  // methods are case-sensitive
  RequestHead canary = request("h", "/a", "POST");
  EXPECT_EQ(matched(table, canary), "method");
  canary.headers.add("X-Canary", "no");
  canary.headers.add("X-Canary", "yes");
  EXPECT_EQ(matched(table, canary), "both");
}

TEST(RouteTable, KnowsAllKindsOfHeaderMatches) {
  using Kind = config::HeaderMatch::Kind;
  struct Case {
    Kind kind;
    bool without, with_other, with_value;
  };
  for (const Case& c : {Case{Kind::exact, false, false, true}, Case{Kind::prefix, false, false, true},
                        Case{Kind::present, false, true, true}, Case{Kind::absent, true, false, false}}) {
    config::Route conditional = route("r", {}, "/");
    conditional.headers = {{.name = "x-a", .kind = c.kind, .value = c.kind == Kind::prefix ? "va" : "value"}};
    RouteSlots slots;
    const RouteTable table({conditional}, slots);
    RequestHead head = request("h", "/");
    EXPECT_EQ(table.match(head) != nullptr, c.without);
    head.headers.add("x-a", "other");
    EXPECT_EQ(table.match(head) != nullptr, c.with_other);
    head.headers.set("x-a", "value");
    EXPECT_EQ(table.match(head) != nullptr, c.with_value);
  }
}

TEST(RouteTable, SharesWithTheOneThatItWasMadeFromWhatDidNotChange) {
  RouteSlots slots;
  const RouteTable before({route("a", {"a.example"}, "/"), route("wild", {"*.example"}, "/"), route("any", {}, "/")},
                          slots);
  const RouteTable after = before.with({{"b.example", {compile(route("b", {"b.example"}, "/"), 9, slots)}}, {"", {}}});
  EXPECT_EQ(before.for_host("b.example").front()->config.name, "wild");
  EXPECT_EQ(after.for_host("b.example").front()->config.name, "b");
  EXPECT_EQ(after.for_host("a.example").front(), before.for_host("a.example").front());
  EXPECT_TRUE(after.for_host("other.net").empty());
  EXPECT_TRUE(after.for_host(".example").empty()) << "a client's host is not the key of a wildcard";
  std::vector<std::string> changed;
  after.for_each_change(before, [&](const CompiledRoute& one) { changed.push_back(one.config.name); });
  EXPECT_EQ(changed, std::vector<std::string>{"b"});
}

TEST(RouteTable, FindsIpv6Hosts) {
  RouteSlots slots;
  const RouteTable table({route("six", {"::1"}, "/")}, slots);
  EXPECT_EQ(matched(table, request("[::1]:8443", "/")), "six");
}

TEST(RouteSlots, KeepNamesThroughReloadsAndOverflowIntoOne) {
  RouteSlots slots;
  EXPECT_EQ(slots.slot("a"), 0U);
  EXPECT_EQ(slots.slot("b"), 1U);
  EXPECT_EQ(slots.slot("a"), 0U);
  EXPECT_EQ(slots.names(), (std::vector<std::string>{"a", "b"}));
  for (std::size_t i = 0; i < 2 * WorkerStats::most_routes; ++i) {
    EXPECT_LT(slots.slot("r" + std::to_string(i)), WorkerStats::most_routes);
  }
  EXPECT_EQ(slots.slot("one more"), WorkerStats::most_routes - 1);
  EXPECT_EQ(slots.names().size(), WorkerStats::most_routes);
  EXPECT_EQ(slots.names().back(), "(other)");
}

TEST(RouteSlots, GiveANumberToAnotherBackendWhenNobodyHasTheFirstAnyMore) {
  RouteSlots slots;
  const auto kept = slots.number_of_backend("kept");
  EXPECT_EQ(slots.number_of_backend("kept"), kept);
  std::size_t highest = 0;
  for (int i = 0; i < 20'000; ++i) {
    const auto number = slots.number_of_backend("b" + std::to_string(i));
    EXPECT_NE(*number, *kept);
    EXPECT_NE(*number, 0U);
    highest = std::max(highest, *number);
  }
  EXPECT_LT(highest, 3'000U) << "names that come and go cost nothing for ever";
  EXPECT_EQ(slots.number_of_backend("kept"), kept);
}

}  // namespace
}  // namespace proxy
