#include "proxy/balancer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace proxy {
namespace {

using namespace std::chrono_literals;

const Balancer::Time start = Balancer::Time() + 100h;

tcp::endpoint address(std::uint16_t port) {
  return {asio::ip::address_v4::loopback(), port};
}

struct Given {
  std::uint16_t port;
  unsigned weight = 1;
  bool healthy = true;
};

// An endpoint that a test still has somewhere keeps its statistics.
std::shared_ptr<EndpointStats> stats_of(std::uint16_t port) {
  static std::map<std::uint16_t, std::weak_ptr<EndpointStats>> all;
  auto stats = all[port].lock();
  if (!stats) all[port] = stats = std::make_shared<EndpointStats>();
  return stats;
}

std::shared_ptr<const BackendState> state_of(std::initializer_list<Given> endpoints, config::Backend backend = {}) {
  auto state = std::make_shared<BackendState>();
  state->config = std::make_shared<const config::Backend>(std::move(backend));
  for (const Given& given : endpoints) {
    state->endpoints.push_back({address(given.port), "a", "a", given.weight, given.healthy, stats_of(given.port)});
  }
  return state;
}

std::string picks(Balancer& balancer, int count, Balancer::Time now = start) {
  std::string order;
  for (int i = 0; i < count; ++i) {
    const auto picked = balancer.pick(now, {});
    order += picked ? static_cast<char>('a' + *picked) : '-';
  }
  return order;
}

void fail(Balancer& balancer, std::uint16_t port, int times, Balancer::Time now = start) {
  for (int i = 0; i < times; ++i) {
    balancer.begin(address(port));
    balancer.end(address(port), now, true);
  }
}

TEST(Balancer, GivesTheWantedEndpointWhereItCanBeUsed) {
  Balancer balancer;
  config::Backend backend;
  backend.ejection = {.consecutive_failures = 1, .duration = 10s, .at_most_percent = 50};
  balancer.adopt(state_of({{1}, {2, 1, false}, {3, 0}, {4}}, backend));
  EXPECT_FALSE(balancer.usable(address(2), start)) << "unhealthy";
  EXPECT_FALSE(balancer.usable(address(3), start)) << "to get nothing new";
  EXPECT_FALSE(balancer.usable(address(9), start)) << "not there";
  EXPECT_EQ(balancer.usable(address(4), start), 3U);
  fail(balancer, 4, 1);
  EXPECT_FALSE(balancer.usable(address(4), start)) << "ejected";
  EXPECT_EQ(balancer.usable(address(4), start + 10s), 3U);
}

TEST(Balancer, OffersAnotherOnlyWhereOneIsLeftThatPickWouldTake) {
  Balancer balancer;
  EXPECT_FALSE(balancer.offers_another({}));
  const std::vector<tcp::endpoint> first{address(1)};
  balancer.adopt(state_of({{1}}));
  EXPECT_FALSE(balancer.offers_another(first));
  balancer.adopt(state_of({{1}, {2, 1, false}, {3, 0}}));
  EXPECT_FALSE(balancer.offers_another(first)) << "one is unhealthy, one has no weight";
  balancer.adopt(state_of({{1}, {2}}));
  EXPECT_TRUE(balancer.offers_another(first));
}

TEST(Balancer, PicksNothingWhereThereIsNothing) {
  Balancer balancer;
  EXPECT_FALSE(balancer.pick(start, {}));
  balancer.adopt(state_of({}));
  EXPECT_FALSE(balancer.pick(start, {}));
  balancer.adopt(state_of({{1, 0}, {2, 0}}));
  EXPECT_FALSE(balancer.pick(start, {}));
}

TEST(Balancer, SpreadsWeightsSmoothly) {
  Balancer balancer;
  balancer.adopt(state_of({{1, 5}, {2, 1}, {3, 1}}));
  EXPECT_EQ(picks(balancer, 14), "aabacaaaabacaa");
  balancer.adopt(state_of({{1}, {2}, {3, 0}}));
  const std::string order = picks(balancer, 10);
  EXPECT_EQ(std::ranges::count(order, 'a'), 5);
  EXPECT_EQ(std::ranges::count(order, 'c'), 0);
}

TEST(Balancer, LeastRequestsCountsByWeight) {
  config::Backend backend;
  backend.balance = config::Balance::least_requests;
  Balancer balancer;
  balancer.adopt(state_of({{1, 1}, {2, 3}}, backend));
  std::map<std::size_t, int> running;
  for (int i = 0; i < 40; ++i) {
    const std::size_t picked = *balancer.pick(start, {});
    balancer.begin(balancer.state().endpoints[picked].address);
    ++running[picked];
  }
  EXPECT_EQ(running[0], 10);
  EXPECT_EQ(running[1], 30);
  for (int i = 0; i < 5; ++i) balancer.end(address(1), start, false);
  EXPECT_EQ(balancer.pick(start, {}), 0U);
}

TEST(Balancer, LeavesTriedOnesOutIfThereIsAnyOther) {
  Balancer balancer;
  balancer.adopt(state_of({{1}, {2}, {3, 0}, {4, 1, false}}));
  EXPECT_EQ(balancer.pick(start, std::vector{address(2)}), 0U);
  EXPECT_EQ(balancer.pick(start, std::vector{address(1)}), 1U);
  EXPECT_TRUE(balancer.pick(start, std::vector{address(1), address(2)}).has_value());
  EXPECT_LT(balancer.pick(start, std::vector{address(1), address(2)}), 2U);
}

TEST(Balancer, NeverPicksWhatItsCheckCallsUnhealthy) {
  Balancer balancer;
  balancer.adopt(state_of({{1, 1, false}, {2}, {3, 1, false}}));
  EXPECT_EQ(picks(balancer, 4), "bbbb");
  balancer.adopt(state_of({{1, 1, false}, {2, 1, false}}));
  EXPECT_EQ(balancer.pick(start, {}), std::nullopt);
}

TEST(Balancer, EjectsAfterFailuresInARowAndTakesBackInTime) {
  Balancer balancer;
  balancer.adopt(state_of({{1}, {2}}));
  fail(balancer, 1, 4);
  balancer.begin(address(1));
  balancer.end(address(1), start, false);  // a success begins the count again
  fail(balancer, 1, 4);
  EXPECT_NE(picks(balancer, 4).find('a'), std::string::npos);
  fail(balancer, 1, 1);
  EXPECT_EQ(picks(balancer, 4), "bbbb");
  EXPECT_EQ(picks(balancer, 2, start + 29s), "bb");
  EXPECT_NE(picks(balancer, 4, start + 30s).find('a'), std::string::npos);
}

TEST(Balancer, NeverEjectsMoreThanItsShareNorTheLast) {
  Balancer balancer;
  balancer.adopt(state_of({{1}, {2}, {3}}));  // half of three is one
  fail(balancer, 1, 5);
  fail(balancer, 2, 20);
  EXPECT_EQ(picks(balancer, 40).find('a'), std::string::npos);
  EXPECT_NE(picks(balancer, 4).find('b'), std::string::npos);
  config::Backend all;
  all.ejection.at_most_percent = 100;
  balancer.adopt(state_of({{4}, {5}, {6, 0}, {7, 1, false}}, all));
  fail(balancer, 4, 5);
  fail(balancer, 5, 50);
  EXPECT_EQ(picks(balancer, 3), "bbb");
  config::Backend never;
  never.ejection.consecutive_failures = 0;
  balancer.adopt(state_of({{8}, {9}}, never));
  fail(balancer, 8, 50);
  EXPECT_NE(picks(balancer, 4).find('a'), std::string::npos);
}

TEST(Balancer, KeepsEjectionsAndRunningRequestsThroughAChange) {
  Balancer balancer;
  const auto before = state_of({{11}, {12}});
  balancer.adopt(before);
  fail(balancer, 11, 5);
  balancer.begin(address(12));
  balancer.adopt(state_of({{13}, {11}}));
  EXPECT_EQ(picks(balancer, 3), "aaa");
  EXPECT_EQ(before->endpoints[1].stats->in_flight.load(), 1);
  balancer.end(address(12), start, true);  // it has gone, but its request ends all the same
  EXPECT_EQ(before->endpoints[1].stats->in_flight.load(), 0);
  EXPECT_EQ(before->endpoints[0].stats->ejections.load(), 1U);
  EXPECT_EQ(before->endpoints[0].stats->failures.load(), 5U);
  EXPECT_EQ(before->endpoints[0].stats->requests.load(), 5U);
  balancer.end(address(99), start, true);  // never heard of
}

TEST(RetryBudget, AllowsThreeWithoutAnyRequest) {
  RetryBudget budget;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(budget.take(start, 0));
  EXPECT_FALSE(budget.take(start, 0));
  EXPECT_FALSE(budget.take(start + 9s, 100));
  EXPECT_TRUE(budget.take(start + 10s, 0));
}

TEST(RetryBudget, AllowsAShareOfTheLastTenSeconds) {
  RetryBudget budget;
  for (int second = 0; second < 10; ++second) {
    for (int i = 0; i < 10; ++i) budget.count_request(start + second * 1s);
  }
  int taken = 0;
  while (budget.take(start + 9s, 20)) ++taken;
  EXPECT_EQ(taken, 20);
  EXPECT_FALSE(budget.take(start + 18s, 20));  // 10 requests are left, and 20 retries
  EXPECT_TRUE(budget.take(start + 60s, 20));
}

}  // namespace
}  // namespace proxy
