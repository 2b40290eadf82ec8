#include "kube/shared_ticket_keys.h"

#include <gtest/gtest.h>

#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "base/base64.h"
#include "certstore/ticket_rotation.h"
#include "kube/ticket_key_secret.h"
#include "tests/kube/object_server.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
using certstore::TicketKeySet;

constexpr auto start = std::chrono::sys_days(std::chrono::year(2026) / 5 / 1);
constexpr std::chrono::seconds period = 12h;
const ObjectName name{"edge", "keys"};
const std::string path = "/api/v1/namespaces/edge/secrets/keys";

nlohmann::json holding(const std::string& text) {
  return {{"metadata", {{"name", "keys"}, {"namespace", "edge"}}}, {"data", {{"ticket-keys", base::to_base64(text)}}}};
}

TicketKeySet fresh() {
  TicketKeySet keys;
  EXPECT_TRUE(certstore::rotate(keys, start, period));
  return keys;
}

TEST(TicketKeySecret, RefusesWhatIsNoSetOfKeysAndSaysNothingOfIt) {
  const std::vector<nlohmann::json> all{nlohmann::json(),
                                        nlohmann::json::array(),
                                        {{"data", nullptr}},
                                        {{"data", {{"ticket-keys", 7}}}},
                                        {{"data", {{"ticket-keys", "%hush%"}}}},
                                        {{"data", {{"other", "aHVzaA=="}}}},
                                        holding("hush"),
                                        holding("sekisho ticket keys 1\nhush hush hush 1\n"),
                                        holding(std::string(10'000, 'x'))};
  for (const nlohmann::json& each : all) {
    const auto read = ticket_keys_in(each);
    ASSERT_FALSE(read) << each.dump();
    EXPECT_EQ(read.error().code, base::Code::invalid);
    EXPECT_FALSE(read.error().what.contains("hush")) << read.error().what;
  }
}

TEST(TicketKeySecret, KeepsWhatElseIsInTheSecret) {
  nlohmann::json before = holding("garbage");
  before["metadata"]["labels"]["team"] = "edge";
  before["metadata"]["resourceVersion"] = "7";
  before["data"]["other"] = "eA==";
  before["type"] = "example.com/own";
  const TicketKeySet keys = fresh();
  const nlohmann::json after = ticket_key_secret(name, before, keys);
  EXPECT_EQ(after["metadata"]["labels"]["team"], "edge");
  EXPECT_EQ(after["metadata"]["resourceVersion"], "7");
  EXPECT_EQ(after["data"]["other"], "eA==");
  EXPECT_EQ(after["type"], "example.com/own");
  const auto read = ticket_keys_in(after);
  ASSERT_TRUE(read) << read.error().what;
  EXPECT_EQ(read->keys, keys.keys);
}

// One that shares keys with others.
class Replica {
 public:
  Replica(Client& client, const std::chrono::seconds& rotation)
      : shared_(client, {.secret = name,
                         .period = [&rotation] { return rotation; },
                         .publish =
                             [this](SharedTicketKeys::Keys keys) {
                               const std::lock_guard lock(mutex_);
                               keys_ = std::move(keys);
                               ++published_;
                             },
                         .look_again = 5ms,
                         .pace = {.first = 1ms, .longest = 5ms}}) {}

  [[nodiscard]] SharedTicketKeys::Keys keys() {
    const std::lock_guard lock(mutex_);
    return keys_;
  }
  [[nodiscard]] std::optional<certstore::TicketKey> sealing() {
    const auto now = keys();
    if (now == nullptr) return std::nullopt;
    return now->keys.at(now->current);
  }
  [[nodiscard]] unsigned published() {
    const std::lock_guard lock(mutex_);
    return published_;
  }
  [[nodiscard]] SharedTicketKeys::State state() const { return shared_.state(); }
  [[nodiscard]] SharedTicketKeys& shared() { return shared_; }

 private:
  std::mutex mutex_;
  SharedTicketKeys::Keys keys_;
  unsigned published_ = 0;
  SharedTicketKeys shared_;
};

class SharedTicketKeysTest : public testing::Test {
 protected:
  std::unique_ptr<Replica> replica() { return std::make_unique<Replica>(client_, rotation_); }
  std::optional<TicketKeySet> stored() {
    const auto read = ticket_keys_in(server_.object(path));
    return read ? std::optional(*read) : std::nullopt;
  }
  bool uses_what_is_stored(Replica& one) {
    return server_.wait_until([&] {
      const auto there = stored();
      const auto here = one.keys();
      return there && here != nullptr && here->keys == there->keys && one.state().shared;
    });
  }
  // Time goes by for the pauses after failures too.
  bool wait_with_time(const std::function<bool()>& holds) {
    return server_.wait_until([&] {
      clock_.advance(1ms);
      return holds();
    });
  }

  std::chrono::seconds rotation_ = period;
  base::FakeClock clock_{start};
  test::ObjectServer server_;
  Client client_{server_.access(), {.clock = clock_, .requests_per_second = 1e6, .burst = 1'000'000}};
};

TEST_F(SharedTicketKeysTest, LeavesTheReplicaItsOwnKeysWhileTheApiIsAway) {
  server_.answer_all_with(500);
  const auto one = replica();
  ASSERT_TRUE(server_.wait_until([&] { return !one->state().problem.empty(); }));
  EXPECT_TRUE(one->state().problem.contains("has not been read")) << one->state().problem;
  EXPECT_EQ(one->published(), 0U);
  server_.answer_all_with(0);
  EXPECT_TRUE(uses_what_is_stored(*one));
  EXPECT_TRUE(server_.wait_until([&] { return one->state().problem.empty(); })) << one->state().problem;
}

TEST_F(SharedTicketKeysTest, SaysThatItMayNotWrite) {
  server_.forbid("POST");
  const auto one = replica();
  ASSERT_TRUE(server_.wait_until([&] { return one->state().problem.contains("403"); })) << one->state().problem;
  EXPECT_EQ(one->keys(), nullptr);
  EXPECT_FALSE(one->state().shared);
  EXPECT_GT(one->state().failed, 0U);
}

TEST_F(SharedTicketKeysTest, WritesNothingWhereThereAreNoTickets) {
  rotation_ = 0s;
  const auto one = replica();
  one->shared().wait_until_known(20s);
  EXPECT_EQ(one->keys(), nullptr);
  EXPECT_TRUE(server_.object(path).is_null());
  EXPECT_EQ(one->state().problem, "");
}

TEST_F(SharedTicketKeysTest, KeepsItsKeysWhenTheSecretIsDamagedAndPutsThemBack) {
  const auto one = replica();
  ASSERT_TRUE(uses_what_is_stored(*one));
  const auto before = one->keys();
  server_.put(path, holding("garbage"));
  ASSERT_TRUE(server_.wait_until([&] { return one->state().problem.contains("no file of ticket keys"); }));
  EXPECT_EQ(one->keys()->keys, before->keys);
  EXPECT_FALSE(one->state().shared);
  EXPECT_FALSE(stored()) << "whoever is at it may be about to put it right";
  clock_.advance(61s);
  ASSERT_TRUE(uses_what_is_stored(*one));
  EXPECT_EQ(stored()->keys, before->keys);
  EXPECT_TRUE(server_.wait_until([&] { return one->state().problem.empty(); })) << one->state().problem;
}

TEST_F(SharedTicketKeysTest, BeginsAnewWhereItNeverKnewWhatADamagedSecretHeld) {
  server_.put(path, holding("garbage"));
  const auto one = replica();
  ASSERT_TRUE(server_.wait_until([&] { return one->state().problem.contains("no file of ticket keys"); }));
  EXPECT_EQ(one->keys(), nullptr);
  clock_.advance(61s);
  EXPECT_TRUE(uses_what_is_stored(*one));
}

TEST_F(SharedTicketKeysTest, TakesWhatAnotherReplicaWrote) {
  const auto one = replica();
  ASSERT_TRUE(uses_what_is_stored(*one));
  const auto two = replica();
  two->shared().wait_until_known(20s);
  ASSERT_NE(two->keys(), nullptr) << "known when it says so";
  EXPECT_EQ(two->keys()->keys, one->keys()->keys);
  EXPECT_EQ(two->sealing(), one->sealing());
  EXPECT_EQ(two->state().written, 0U);
}

TEST_F(SharedTicketKeysTest, RotatesOnceHoweverManyReplicasThereAre) {
  std::vector<std::unique_ptr<Replica>> all;
  for (int i = 0; i < 5; ++i) all.push_back(replica());
  for (const auto& one : all) ASSERT_TRUE(uses_what_is_stored(*one));
  const TicketKeySet first = *stored();
  ASSERT_EQ(first.keys.size(), 2U);
  clock_.advance(period);
  ASSERT_TRUE(server_.wait_until([&] { return stored()->keys.size() == 3; }));
  const TicketKeySet second = *stored();
  EXPECT_EQ(second.keys[1], first.keys[0]);
  EXPECT_EQ(second.keys[2], first.keys[1]);
  std::uint64_t written = 0;
  for (const auto& one : all) {
    EXPECT_TRUE(uses_what_is_stored(*one));
    EXPECT_EQ(one->sealing(), first.keys[0]) << "the one that was next";
    written += one->state().written;
  }
  EXPECT_EQ(stored()->keys, second.keys);
  EXPECT_EQ(written, 2U);
}

// Two that share keys, and an API that has just gone away.
class SharedTicketKeysWithoutTheApi : public SharedTicketKeysTest {
 protected:
  void SetUp() override {
    ASSERT_TRUE(uses_what_is_stored(*one));
    ASSERT_TRUE(uses_what_is_stored(*two));
    known = *stored();
    server_.answer_all_with(500);
  }
  const std::unique_ptr<Replica> one = replica();
  const std::unique_ptr<Replica> two = replica();
  TicketKeySet known;
};

TEST_F(SharedTicketKeysWithoutTheApi, SealsWithTheNextKeyWhenItsTimeComes) {
  clock_.advance(period);
  ASSERT_TRUE(wait_with_time([&] { return one->sealing() == known.keys[0] && two->sealing() == known.keys[0]; }));
  ASSERT_TRUE(wait_with_time([&] { return one->state().problem.contains("not rotated"); })) << one->state().problem;
  clock_.advance(period);
  ASSERT_TRUE(wait_with_time([&] { return one->state().failed > 1; }));
  EXPECT_EQ(one->sealing(), known.keys[0]) << "better an old key than none that the others know";
  server_.answer_all_with(0);
  ASSERT_TRUE(wait_with_time([&] { return one->state().problem.empty() && two->state().problem.empty(); }));
  EXPECT_TRUE(uses_what_is_stored(*one));
  EXPECT_TRUE(uses_what_is_stored(*two));
}

TEST_F(SharedTicketKeysWithoutTheApi, GoesOnAloneWhenTheKeysAreFarTooOldAndComesBack) {
  clock_.advance(5 * period);
  const auto is_alone = [&](Replica& replica) {
    return !replica.state().shared && replica.sealing() && replica.sealing() != known.keys[0];
  };
  ASSERT_TRUE(wait_with_time([&] { return is_alone(*one) && is_alone(*two); }));
  EXPECT_NE(one->sealing(), two->sealing());
  const auto alone = one->keys();
  ASSERT_TRUE(wait_with_time([&, failed = one->state().failed] { return one->state().failed > failed + 1; }));
  EXPECT_EQ(one->keys(), alone) << "the same as long as it is not time";
  server_.answer_all_with(0);
  ASSERT_TRUE(wait_with_time([&] { return one->state().shared && two->state().shared; }));
  EXPECT_TRUE(uses_what_is_stored(*one));
  EXPECT_TRUE(uses_what_is_stored(*two));
}

TEST_F(SharedTicketKeysTest, WakesUpByItselfWhenItIsTime) {
  Client client(server_.access());
  const SharedTicketKeys one(client, {.secret = name, .period = [] { return 1s; }, .publish = [](const auto&) {}});
  EXPECT_TRUE(server_.wait_until([&] { return one.state().written >= 4; }));
}

TEST_F(SharedTicketKeysTest, BeginsAnewWhenTheSecretIsDeleted) {
  const auto one = replica();
  ASSERT_TRUE(uses_what_is_stored(*one));
  const TicketKeySet before = *stored();
  ASSERT_TRUE(client_.remove(resources::secrets, name));
  ASSERT_TRUE(server_.wait_until([&] { return stored().has_value(); }));
  ASSERT_TRUE(uses_what_is_stored(*one));
  for (const certstore::TicketKey& key : one->keys()->keys) {
    for (const certstore::TicketKey& old : before.keys) EXPECT_NE(key.name, old.name);
  }
}

}  // namespace
}  // namespace kube
