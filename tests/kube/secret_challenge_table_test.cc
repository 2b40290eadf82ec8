#include "kube/secret_challenge_table.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/base64.h"
#include "tests/kube/object_server.h"
#include "tests/support/mint.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
constexpr auto start = std::chrono::sys_days(std::chrono::year(2026) / 5 / 1);
const std::string secret_path = "/api/v1/namespaces/edge/secrets/sekisho-challenges";
const std::string leases_path = "/apis/coordination.k8s.io/v1/namespaces/edge/leases/";

certstore::CertificatePtr certificate() {
  const auto leaf = test::self_signed({.names = {"www.example.com"}});
  return certstore::Certificate::from_pem(leaf.chain_pem(), leaf.key_pem()).value();
}

TEST(ChallengeSecret, RefusesNamesThatNoneMayHave) {
  ChallengeSecret secret(ObjectName{"edge", "c"});
  EXPECT_FALSE(secret.add_http01("", "x", start));
  EXPECT_FALSE(secret.add_http01(std::string(2000, 'x'), "x", start));
  EXPECT_FALSE(secret.add_tls_alpn01("", *certificate(), start));
}

TEST(ChallengeSecret, HasAnEnd) {
  ChallengeSecret secret(ObjectName{"edge", "c"});
  base::Result<void> last;
  int count = 0;
  for (; last && count < 1000; ++count) last = secret.add_http01(std::to_string(count), std::string(2000, 'x'), start);
  ASSERT_FALSE(last);
  EXPECT_EQ(last.error().code, base::Code::overloaded);
  EXPECT_GT(count, 200);
}

TEST(ChallengeSecret, LeavesOutWhatIsNoEntry) {
  ChallengeSecret secret(nlohmann::json{{"data",
                                         {{"a", "%%"},
                                          {"b", 1},
                                          {"c", base::to_base64("[]")},
                                          {"d", base::to_base64(R"({"name":"x","type":"tls-alpn-01","key":"k"})")}}}});
  EXPECT_TRUE(secret.challenges().empty());
  EXPECT_TRUE(ChallengeSecret(nlohmann::json::object()).challenges().empty());
  EXPECT_EQ(secret.generation(), 0U);
}

TEST(ChallengeSecret, ForgetsWhatIsOlderThanADay) {
  ChallengeSecret secret(ObjectName{"edge", "c"});
  ASSERT_TRUE(secret.add_http01("old", "x", start));
  ASSERT_TRUE(secret.add_http01("new", "y", start + 20h));
  secret.change(start + 25h);
  const auto generation = secret.generation();
  EXPECT_EQ(secret.challenges().http01.size(), 1U);
  secret.change(start);  // a clock that was put back
  EXPECT_GT(secret.generation(), generation);
}

// What a replica's workers answer from.
class Workers {
 public:
  SecretChallengeTable::Publish publish() {
    return [this](std::shared_ptr<const certstore::Challenges> all) {
      const std::lock_guard lock(mutex_);
      now_ = std::move(all);
    };
  }
  [[nodiscard]] certstore::Challenges now() {
    const std::lock_guard lock(mutex_);
    return now_ ? *now_ : certstore::Challenges{};
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<const certstore::Challenges> now_;
};

class SecretChallengeTableTest : public testing::Test {
 protected:
  SecretChallengeTable::Options options(const std::string& identity) {
    return {.name_space = "edge",
            .identity = identity,
            .patience_with_others = 20s,
            .look_again = 2ms,
            .pace = {.first = 1ms, .longest = 5ms}};
  }
  // A replica that lives and does not follow.
  void silent_replica() {
    const LeaseRecord lease{.name = {"edge", "silent"}, .holder = "silent", .duration = 30s};
    nlohmann::json object = to_json(lease);
    object["metadata"]["labels"]["sekisho.io/record"] = "replica";
    server_.put(leases_path + "silent", object);
  }

  base::FakeClock clock_{start};
  test::ObjectServer server_;
  Client client_{server_.access(), {.clock = clock_, .requests_per_second = 1e6, .burst = 1'000'000}};
  Workers first_;
  Workers second_;
};

TEST_F(SecretChallengeTableTest, SaysThatItMayNotWrite) {
  SecretChallengeTable table(client_, options("one"), first_.publish());
  server_.forbid("POST");
  const auto put = table.put_http01("token", "token.thumb", {});
  ASSERT_FALSE(put);
  EXPECT_TRUE(put.error().what.contains("403")) << put.error().what;
}

TEST_F(SecretChallengeTableTest, WaitsForAReplicaThatLivesButNotForever) {
  SecretChallengeTable::Options impatient = options("one");
  impatient.patience_with_others = 100ms;
  SecretChallengeTable table(client_, impatient, first_.publish());
  silent_replica();
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(table.put_http01("token", "token.thumb", {}));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 100ms);
}

TEST_F(SecretChallengeTableTest, DoesNotWaitForTheDeadAndTakesTheirLeaseAway) {
  SecretChallengeTable::Options busy = options("one");
  busy.renewal = 2ms;
  SecretChallengeTable table(client_, busy, first_.publish());
  silent_replica();
  std::stop_source stop;
  stop.request_stop();
  (void)table.put_http01("other", "x", {stop.get_token()});
  server_.wait_until([&] {
    clock_.advance(1s);
    return server_.object(leases_path + "silent").is_null();
  });
  EXPECT_TRUE(server_.object(leases_path + "silent").is_null());
  EXPECT_TRUE(table.put_http01("token", "token.thumb", {}));
}

TEST_F(SecretChallengeTableTest, EndsAWaitWhenItIsStopped) {
  SecretChallengeTable table(client_, options("one"), first_.publish());
  silent_replica();
  std::stop_source stop;
  std::jthread stopping([&] {
    server_.wait_until([&] { return !server_.object(secret_path).is_null(); });
    stop.request_stop();
  });
  EXPECT_EQ(table.put_http01("token", "token.thumb", stop.get_token()).error().code, base::Code::cancelled);
}

TEST_F(SecretChallengeTableTest, ReturnsWhenEveryReplicaAnswers) {
  SecretChallengeTable one(client_, options("one"), first_.publish());
  SecretChallengeTable two(client_, options("two"), second_.publish());
  ASSERT_TRUE(one.put_http01("token", "token.thumb", {}));
  EXPECT_EQ(first_.now().http01.at("token"), "token.thumb");
  EXPECT_EQ(second_.now().http01.at("token"), "token.thumb");
  ASSERT_TRUE(two.put_tls_alpn01("www.example.com", certificate(), {}));
  EXPECT_TRUE(first_.now().tls_alpn01.contains("www.example.com"));
  EXPECT_TRUE(first_.now().http01.contains("token"));
  one.remove_http01("token");
  one.remove_http01("never there");
  server_.wait_until([&] { return second_.now().http01.empty(); });
  EXPECT_TRUE(second_.now().http01.empty());
}

TEST_F(SecretChallengeTableTest, ShowsAReplicaThatComesLaterWhatIsThere) {
  SecretChallengeTable one(client_, options("one"), first_.publish());
  ASSERT_TRUE(one.put_http01("token", "token.thumb", {}));
  SecretChallengeTable two(client_, options("two"), second_.publish());
  EXPECT_TRUE(second_.now().http01.contains("token"));
}

TEST_F(SecretChallengeTableTest, LeavesNothingOfItselfBehind) {
  {
    SecretChallengeTable one(client_, options("one"), first_.publish());
  }
  EXPECT_TRUE(server_.paths(leases_path).empty());
}

TEST_F(SecretChallengeTableTest, LosesNoChallengeWhereReplicasWriteAtOnce) {
  SecretChallengeTable one(client_, options("one"), first_.publish());
  SecretChallengeTable two(client_, options("two"), second_.publish());
  {
    std::jthread other([&] {
      for (int i = 0; i < 5; ++i) EXPECT_TRUE(two.put_http01("two" + std::to_string(i), "x", {}));
    });
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(one.put_http01("one" + std::to_string(i), "x", {}));
  }
  EXPECT_EQ(first_.now().http01.size(), 10U);
}

}  // namespace
}  // namespace kube
