#include "azure/token_cache.h"

#include <gtest/gtest.h>

#include <atomic>
#include <latch>
#include <thread>

namespace azure {
namespace {

using namespace std::chrono_literals;

class Script final : public Identity {
 public:
  explicit Script(const base::Clock& clock) : clock_(clock) {}
  base::Result<Grant> ask(const TokenRequest& /*request*/, const std::stop_token& /*stop*/) override {
    ++asked;
    if (gate != nullptr) gate->wait();
    if (fails) {
      return base::fail(base::Code::refused, "no " + std::to_string(asked), base::Origin::upstream, base::Retry::later);
    }
    Grant grant{.token = "token-" + std::to_string(asked), .expires = clock_.now() + life, .refresh = {}};
    if (refresh_in != 0s) grant.refresh = clock_.now() + refresh_in;
    return grant;
  }
  std::string description() const override { return "script"; }

  std::atomic<int> asked = 0;
  std::atomic<bool> fails = false;
  std::chrono::seconds life = 1h;
  std::chrono::seconds refresh_in{0};
  std::latch* gate = nullptr;

 private:
  const base::Clock& clock_;
};

class TokenCacheTest : public testing::Test {
 protected:
  std::string token() {
    const auto answer = cache.token(request, {});
    return answer ? answer->secret : answer.error().what;
  }
  base::FakeClock clock{std::chrono::sys_days(std::chrono::year(2026) / 11 / 22)};
  std::shared_ptr<Script> identity = std::make_shared<Script>(clock);
  TokenCache cache{identity, clock};
  TokenRequest request{.scope = "a", .tenant = {}, .client_id = {}};
};

TEST_F(TokenCacheTest, DoesNotAskAgainAtOnceAfterAFailure) {
  identity->fails = true;
  EXPECT_EQ(token(), "no 1");
  EXPECT_EQ(token(), "no 1");
  clock.advance(5s);
  EXPECT_EQ(token(), "no 2");
  clock.advance(9s);
  EXPECT_EQ(token(), "no 2");
  clock.advance(1s);
  EXPECT_EQ(token(), "no 3");
  identity->fails = false;
  clock.advance(20s);
  EXPECT_EQ(token(), "token-4");
}

// An hour without Entra: a request a minute, and the first one after it succeeds.
TEST_F(TokenCacheTest, KeepsToABudgetHoweverLongItLasts) {
  identity->fails = true;
  for (auto passed = 0s; passed < 3600s; passed += 1s, clock.advance(1s)) (void)token();
  EXPECT_LE(identity->asked, 70);
  identity->fails = false;
  clock.advance(60s);
  EXPECT_TRUE(token().starts_with("token-"));
}

TEST_F(TokenCacheTest, AsksNotWithEachCallWhateverTheServerSaysOfRefreshing) {
  identity->refresh_in = -1s;
  for (int call = 0; call < 100; ++call) EXPECT_TRUE(token().starts_with("token-"));
  EXPECT_EQ(identity->asked, 1);
  clock.advance(30s);
  EXPECT_EQ(token(), "token-2");
}

TEST_F(TokenCacheTest, AsksNotWithEachCallForATokenThatHasEndedWhenItComes) {
  for (const auto life : {0s, 10s}) {
    identity->life = life;
    const int before = identity->asked;
    for (int call = 0; call < 100; ++call) (void)token();
    EXPECT_EQ(identity->asked, before + 1) << life.count();
    EXPECT_EQ(token().contains("has ended already"), life == 0s);
    clock.advance(60s);
  }
  identity->life = 1h;
  EXPECT_EQ(token(), "token-3");
}

TEST_F(TokenCacheTest, KeepsATokenUntilFiveMinutesBeforeItsEnd) {
  EXPECT_EQ(token(), "token-1");
  clock.advance(54min + 59s);
  EXPECT_EQ(token(), "token-1");
  clock.advance(1s);
  EXPECT_EQ(token(), "token-2");
}

TEST_F(TokenCacheTest, AsksAnewWhenTheServerWantsIt) {
  identity->refresh_in = 10min;
  EXPECT_EQ(token(), "token-1");
  clock.advance(10min);
  EXPECT_EQ(token(), "token-2");
}

TEST_F(TokenCacheTest, GoesOnWithTheOldTokenWhileThereIsNoNewOne) {
  EXPECT_EQ(token(), "token-1");
  clock.advance(56min);
  identity->fails = true;
  EXPECT_EQ(token(), "token-1");
  EXPECT_EQ(token(), "token-1");
  EXPECT_EQ(identity->asked, 2);
  clock.advance(4min);
  EXPECT_EQ(token(), "no 3");
}

TEST_F(TokenCacheTest, HandsNoRefusedTokenOutAgain) {
  const auto refused = cache.token(request, {});
  cache.refused(request, *refused);
  EXPECT_EQ(token(), "token-2");
  cache.refused(request, *refused);  // the old one again, by somebody who was slower
  EXPECT_EQ(token(), "token-2");
  cache.refused(request, {.secret = "token-2", .expires = {}});  // a service that takes none
  EXPECT_EQ(token(), "token-2");
  clock.advance(10s);
  cache.refused(request, {.secret = "token-2", .expires = {}});
  EXPECT_EQ(token(), "token-3");
}

TEST_F(TokenCacheTest, KeepsTokensOfRequestsApart) {
  EXPECT_EQ(token(), "token-1");
  request.client_id = "another";
  EXPECT_EQ(token(), "token-2");
  request.client_id.clear();
  EXPECT_EQ(token(), "token-1");
}

TEST_F(TokenCacheTest, HasOneExchangeUnderWayHoweverManyAsk) {
  std::latch gate(1);
  identity->gate = &gate;
  std::vector<std::jthread> threads;
  std::atomic<int> good = 0;
  for (int i = 0; i < 8; ++i) threads.emplace_back([&] { good += token() == "token-1" ? 1 : 0; });
  while (identity->asked == 0) std::this_thread::yield();
  gate.count_down();
  threads.clear();
  EXPECT_EQ(good, 8);
  EXPECT_EQ(identity->asked, 1);
}

TEST_F(TokenCacheTest, StopsWaitingWhenItIsTold) {
  std::latch gate(1);
  identity->gate = &gate;
  std::jthread first([&] { (void)token(); });
  while (identity->asked == 0) std::this_thread::yield();
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(cache.token(request, stop.get_token()).error().code, base::Code::cancelled);
  gate.count_down();
}

}  // namespace
}  // namespace azure
