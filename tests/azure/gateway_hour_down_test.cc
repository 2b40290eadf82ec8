// Resource Manager that is down for an hour, beneath the mirror of an Application Gateway.
#include <atomic>

#include <gtest/gtest.h>

#include "azure/gateway_mirror.h"
#include "azure/mirror_loop.h"
#include "tests/azure/one_token.h"
#include "tests/azure/outage.h"
#include "tests/azure/scripted_gateway.h"
#include "tests/support/stepped_time.h"

namespace azure {
namespace {

using namespace std::chrono_literals;
using Reply = test::ScriptedServer::Reply;
using Request = test::ScriptedServer::Request;
using What = MirrorState::What;

class GatewayDownForAnHour : public testing::Test {
 protected:
  GatewayDownForAnHour() {
    gateway_.base_url = server_.url("");
    gateway_.fault = [this](const Request& request) -> std::optional<Reply> {
      if (operations_alone_down_ && request.target.starts_with("/operations/")) return outage_.next();
      return down_ ? std::optional(outage_.next()) : std::nullopt;
    };
    auto client = std::make_shared<Client>(std::make_shared<test::OneToken>(),
                                           Client::Options{.clock = time_.clock, .wait = time_.wait()});
    loop_ = std::make_unique<MirrorLoop>(
        std::make_unique<GatewayMirror>(std::move(client), GatewayMirror::Options{.resource_manager = server_.url(""),
                                                                                  .resource_id = test::gateway_id,
                                                                                  .token = {.scope = "arm"},
                                                                                  .vault = {},
                                                                                  .listeners = {},
                                                                                  .name_prefix = "sekisho-",
                                                                                  .wait = time_.wait()}),
        MirrorLoop::Options{.clock = time_.clock, .wait = time_.wait()});
    loop_->lead(true);
    want_new();
  }
  ~GatewayDownForAnHour() override { loop_.reset(); }

  void want_new() {
    const auto minted = test::self_signed({.names = {"www.example.com"}});
    item_ = {"www.example.com", "sekisho-www", MirrorItem::Named::by_us,
             *certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem())};
    loop_->want({item_});
  }
  MirrorState state() { return loop_->states().at(0); }
  void expect_arrived_within_one_interval() {
    ASSERT_TRUE(time_.run_for(15min + 1min));  // the operation itself takes a while
    EXPECT_EQ(state().what, What::in_step) << state().problem;
    EXPECT_EQ(state().problem, "");
    EXPECT_EQ(gateway_.fingerprint("sekisho-www"), item_.certificate->fingerprint());
    EXPECT_NE(gateway_.find("theirs"), nullptr);
  }

  test::SteppedTime time_;
  test::Outage outage_{time_};
  std::atomic<bool> down_ = false;
  std::atomic<bool> operations_alone_down_ = false;
  test::ScriptedGateway gateway_;
  test::ScriptedServer server_{[this](const Request& request) { return gateway_.answer(request); }};
  MirrorItem item_;
  std::unique_ptr<MirrorLoop> loop_;
};

TEST_F(GatewayDownForAnHour, IsToldToBeBehindAndGetsItWithinOneInterval) {
  ASSERT_TRUE(time_.run_for(2min));
  ASSERT_EQ(state().what, What::in_step) << state().problem;
  down_ = true;
  const base::SystemTime since = time_.clock.now();
  want_new();
  ASSERT_TRUE(time_.run_for(1h));
  EXPECT_EQ(state().what, What::behind);
  EXPECT_EQ(state().since, since) << "the lag grows";
  EXPECT_NE(state().problem, "");
  // After 30 s, 1, 2, 4, 8 and then at most 15 min; each asks four times at most.
  EXPECT_GE(outage_.requests, 8U);
  EXPECT_LE(outage_.requests, 4 * 14U);
  EXPECT_EQ(gateway_.puts, 1U);
  down_ = false;
  expect_arrived_within_one_interval();
  EXPECT_EQ(gateway_.puts, 2U);
}

TEST_F(GatewayDownForAnHour, StaysInStepWhereNothingHasChanged) {
  ASSERT_TRUE(time_.run_for(2min));
  server_.go_away();
  ASSERT_TRUE(time_.run_for(1h));
  EXPECT_EQ(state().what, What::in_step) << "nobody knows of anything else";
  EXPECT_NE(state().problem, "") << "and that it cannot be looked at is told";
  server_.come_back();
  expect_arrived_within_one_interval();
  EXPECT_EQ(gateway_.puts, 1U);
}

TEST_F(GatewayDownForAnHour, InTheMiddleOfAnOperationIsAskedForItUntilItAnswers) {
  operations_alone_down_ = true;
  ASSERT_TRUE(time_.run_for(55min));
  EXPECT_EQ(state().what, What::behind);
  EXPECT_EQ(gateway_.puts, 1U) << "nothing is written while an operation of ours may be under way";
  EXPECT_GE(outage_.requests, 55U);
  EXPECT_LE(outage_.requests, 4 * 55U * 6U);
  operations_alone_down_ = false;
  expect_arrived_within_one_interval();
  EXPECT_EQ(gateway_.puts, 1U);
}

}  // namespace
}  // namespace azure
