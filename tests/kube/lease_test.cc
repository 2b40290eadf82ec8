#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "kube/lease_locks.h"
#include "kube/lease_record.h"
#include "kube/object_names.h"
#include "tests/kube/object_server.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
constexpr auto start = std::chrono::sys_days(std::chrono::year(2026) / 5 / 1);

TEST(LeaseRecord, WritesTimesWithSixDigits) {
  EXPECT_EQ(micro_time(start), "2026-05-01T00:00:00.000000Z");
  EXPECT_EQ(micro_time(start + 1h + 1234567ns), "2026-05-01T01:00:00.001234Z");
}

TEST(LeaseRecord, ReadsAnythingAsSomething) {
  for (const char* text : {"{}", R"({"spec":1})", R"({"spec":{"leaseDurationSeconds":"x","renewTime":5}})"}) {
    const LeaseRecord lease = lease_from(nlohmann::json::parse(text));
    EXPECT_TRUE(lease.holder.empty());
    EXPECT_EQ(lease.duration, 0s);
  }
  const LeaseRecord huge = lease_from(nlohmann::json::parse(
      R"({"spec":{"leaseDurationSeconds":99999999999,"leaseTransitions":-5,"holderIdentity":"a"}})"));
  EXPECT_EQ(huge.duration, 24h);
  EXPECT_EQ(huge.transitions, 0);
}

TEST(LeaseObserver, JudgesByItsOwnClockAndNotByTheHoldersOne) {
  LeaseObserver observer;
  base::SteadyTime now{};
  LeaseRecord lease{.resource_version = "1", .holder = "other", .duration = 15s, .renewed = start - 10'000h};
  EXPECT_FALSE(observer.free(lease, now));
  EXPECT_FALSE(observer.free(lease, now + 15s));
  EXPECT_TRUE(observer.free(lease, now + 15s + 1ms));
  lease.resource_version = "2";  // renewed after all
  EXPECT_FALSE(observer.free(lease, now + 16s));
  EXPECT_FALSE(observer.free(lease, now + 31s));
  lease.holder.clear();
  EXPECT_TRUE(observer.free(lease, now + 31s));
}

TEST(ObjectNames, KeepNamesApartAndInForm) {
  EXPECT_NE(lease_name("*.example.com"), lease_name("_.example.com"));
  EXPECT_NE(lease_name("A"), lease_name("a"));
  EXPECT_TRUE(lease_name("certificates/*.Example.com").starts_with("sekisho-lock.certificates-example-com."));
  EXPECT_LE(object_name_for("p", std::string(1000, 'x')).size(), 200U);
  EXPECT_EQ(label_value("certificates"), "certificates");
  EXPECT_EQ(label_value("a/b").find('/'), std::string::npos);
  EXPECT_NE(process_identity(), process_identity());
}

class LeaseLocksTest : public testing::Test {
 protected:
  LeaseLocks::Options options(const std::string& identity) {
    return {.name_space = "edge", .identity = identity, .retry = 5ms};
  }
  LeaseRecord lease(const std::string& name) {
    return lease_from(server_.object("/apis/coordination.k8s.io/v1/namespaces/edge/leases/" + lease_name(name)));
  }
  static constexpr auto prefix = "/apis/coordination.k8s.io/v1/namespaces/edge/leases/";

  base::FakeClock clock_{start};
  test::ObjectServer server_;
  Client client_{server_.access(), {.clock = clock_, .requests_per_second = 1e6, .burst = 1'000'000}};
  LeaseLocks one_{client_, options("one")};
  LeaseLocks two_{client_, options("two")};
};

TEST_F(LeaseLocksTest, GivesALockToOneOnly) {
  const auto held = one_.take("a", 1s, {});
  ASSERT_TRUE(held) << held.error().what;
  EXPECT_TRUE((*held)->still_held());
  EXPECT_EQ(two_.take("a", 20ms, {}).error().code, base::Code::timeout);
  EXPECT_EQ(one_.take("a", 0ms, {}).error().code, base::Code::timeout);  // another thread of the same process
  EXPECT_TRUE(two_.take("b", 0ms, {}));
}

TEST_F(LeaseLocksTest, TakesOverFromWhoDied) {
  LeaseRecord dead{.name = {"edge", lease_name("a")}, .holder = "gone", .duration = 15s, .transitions = 4};
  ASSERT_TRUE(client_.create(resources::leases, to_json(dead)));
  EXPECT_EQ(two_.take("a", 0ms, {}).error().code, base::Code::timeout);
  clock_.advance(14s);
  EXPECT_EQ(two_.take("a", 0ms, {}).error().code, base::Code::timeout);
  clock_.advance(2s);
  const auto taken = two_.take("a", 0ms, {});
  ASSERT_TRUE(taken) << taken.error().what;
  EXPECT_EQ(lease("a").holder, "two");
  EXPECT_EQ(lease("a").transitions, 5);
}

TEST_F(LeaseLocksTest, TakesOverAtOnceWhatItHasSeenStandStill) {
  const LeaseRecord dead{.name = {"edge", lease_name("a")}, .holder = "gone", .duration = 15s};
  ASSERT_TRUE(client_.create(resources::leases, to_json(dead)));
  two_.observe({});
  clock_.advance(10s);
  two_.observe({});
  EXPECT_EQ(two_.take("a", 0ms, {}).error().code, base::Code::timeout);
  clock_.advance(6s);
  EXPECT_TRUE(two_.take("a", 0ms, {}));
}

TEST_F(LeaseLocksTest, KnowsWhatItSawWhileTheApiDoesNotAnswer) {
  const LeaseRecord dead{.name = {"edge", lease_name("a")}, .holder = "gone", .duration = 15s};
  ASSERT_TRUE(client_.create(resources::leases, to_json(dead)));
  two_.observe({});
  server_.answer_all_with(503);
  two_.observe({});
  server_.answer_all_with(0);
  clock_.advance(16s);
  EXPECT_TRUE(two_.take("a", 0ms, {}));
}

TEST_F(LeaseLocksTest, TakesNothingFromWhoRenews) {
  const auto held = one_.take("a", 1s, {});
  ASSERT_TRUE(held);
  for (int i = 0; i < 10; ++i) {
    const std::string before = lease("a").resource_version;
    server_.wait_until([&] { return lease("a").resource_version != before; });  // renewed
    EXPECT_EQ(two_.take("a", 0ms, {}).error().code, base::Code::timeout);
    clock_.advance(4s);
  }
}

TEST_F(LeaseLocksTest, KnowsThatItMayBeLostBeforeOthersCanHaveIt) {
  const auto held = one_.take("a", 1s, {});
  ASSERT_TRUE(held);
  server_.answer_all_with(503);
  server_.wait_until([&] { return server_.refused() > 0; });
  clock_.advance(9s);
  EXPECT_TRUE((*held)->still_held());
  clock_.advance(1s);
  EXPECT_FALSE((*held)->still_held());
  server_.answer_all_with(0);
}

TEST_F(LeaseLocksTest, KnowsThatAnotherHasTakenIt) {
  const auto held = one_.take("a", 1s, {});
  ASSERT_TRUE(held);
  LeaseRecord stolen = lease("a");
  stolen.holder = "two";
  stolen.resource_version.clear();
  server_.put(prefix + lease_name("a"), to_json(stolen));
  server_.wait_until([&] { return !(*held)->still_held(); });
  EXPECT_FALSE((*held)->still_held());
}

TEST_F(LeaseLocksTest, LetsGoWhatItHeld) {
  {
    const auto held = one_.take("a", 1s, {});
    ASSERT_TRUE(held);
  }
  EXPECT_TRUE(server_.object(prefix + lease_name("a")).is_null());
  EXPECT_TRUE(two_.take("a", 0ms, {}));
}

TEST_F(LeaseLocksTest, LetsGoAlsoWhereItMayNotDelete) {
  server_.forbid("DELETE");
  {
    const auto held = one_.take("a", 1s, {});
    ASSERT_TRUE(held);
  }
  EXPECT_EQ(lease("a").holder, "");
  EXPECT_EQ(lease("a").duration, 1s);
  EXPECT_TRUE(two_.take("a", 0ms, {}));
}

TEST_F(LeaseLocksTest, WaitsForItsTurn) {
  auto held = one_.take("a", 1s, {});
  ASSERT_TRUE(held);
  std::jthread letting_go([&] { held->reset(); });
  EXPECT_TRUE(two_.take("a", 20s, {}));
}

TEST_F(LeaseLocksTest, EndsAWaitWhenItIsStopped) {
  const auto held = one_.take("a", 1s, {});
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(two_.take("a", 1h, stop.get_token()).error().code, base::Code::cancelled);
}

}  // namespace
}  // namespace kube
