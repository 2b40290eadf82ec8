#include "acme/obtain.h"

#include <gtest/gtest.h>

#include <functional>

#include "acme/order_journal.h"
#include "base/wait.h"
#include "tests/acme/ca_script.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

using namespace std::chrono_literals;
using test::CaScript;

// Shows nothing, and notes what it was to take away.
class NotingSolver final : public Solver {
 public:
  [[nodiscard]] config::ChallengeType type() const override { return config::ChallengeType::http01; }
  [[nodiscard]] base::Result<void> present(const ChallengeTask&, std::stop_token) override { return {}; }
  base::Result<void> clean_up(const ChallengeTask& task, std::stop_token stop) override {
    taken_away.push_back(task.token);
    return slow ? slow(stop) : base::Result<void>();
  }
  std::function<base::Result<void>(const std::stop_token&)> slow;
  std::vector<std::string> taken_away;
};

class ObtainTest : public testing::Test {
 protected:
  nlohmann::json order_json(const std::string& status) const {
    return {{"status", status},
            {"identifiers", {{{"type", "dns"}, {"value", "a.example"}}}},
            {"authorizations", nlohmann::json::array({ca_.url("/authz")})},
            {"finalize", ca_.url("/finalize")},
            {"certificate", ca_.url("/cert")}};
  }
  // Without patience: each wait takes its time on the clock alone.
  Outcome<certstore::CertificatePtr> get(std::stop_token stop = {}) {
    const auto lock = locks_.take("a", 1s, {}).value();
    const Wanted wanted{.journal = "orders/a.json",
                        .identifiers = identifiers_of({"a.example"}),
                        .key_pem = minted_.key_pem(),
                        .profile = {},
                        .replaces = replaces_,
                        .preferred_chain = {}};
    const Workbench bench{.client = client_,
                          .signer = signer_,
                          .solver = solver_,
                          .storage = storage_,
                          .lock = *lock,
                          .clock = clock_,
                          .wait = [this](std::chrono::milliseconds time, const std::stop_token&) {
                            waited_ += time;
                            return true;
                          }};
    return obtain(wanted, bench, std::move(stop));
  }

  CaScript ca_;
  test::ScratchFolder folder_;
  test::Minted minted_ = test::Authority("CA").issue({.names = {"a.example"}});
  FolderStorage storage_{folder_.path()};
  FolderLocks locks_{folder_.path() / "locks"};
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
  Client client_{{.directory_url = ca_.url("/dir"), .timeout = 20s}, clock_};
  Signer signer_{*AccountKey::make(), ca_.url("/account/1")};
  NotingSolver solver_;
  std::string replaces_;
  std::chrono::milliseconds waited_{0};
};

// RFC 8555 §7.4: the request may be sent again once the order is ready.
TEST_F(ObtainTest, FinalizesAgainWhenTheOrderWasNotReady) {
  ca_.on("/order", {.status = 201, .headers = {{"Location", ca_.url("/order/1")}}, .body = order_json("ready").dump()});
  ca_.json("/order/1", order_json("ready"));
  ca_.problem("/finalize", 403, "orderNotReady");
  ca_.json("/finalize", order_json("valid"));
  ca_.on("/cert",
         {.headers = {{"Content-Type", "application/pem-certificate-chain"}}, .body = minted_.certificate_pem()});
  const auto got = get();
  ASSERT_TRUE(got) << got.error().error.what;
  EXPECT_EQ(ca_.requests("/finalize").size(), 2U);
  EXPECT_LT(waited_, 5s);
}

TEST_F(ObtainTest, GivesUpOnAnOrderThatIsNeverReady) {
  ca_.on("/order", {.status = 201, .headers = {{"Location", ca_.url("/order/1")}}, .body = order_json("ready").dump()});
  ca_.json("/order/1", order_json("ready"));
  ca_.problem("/finalize", 403, "orderNotReady");
  const auto got = get();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().error.code, base::Code::timeout);
  EXPECT_LT(ca_.requests("/finalize").size(), 50U);
}

TEST_F(ObtainTest, HeedsWhatTheServerSaysWhenItPollsTheOrder) {
  ca_.on("/order",
         {.status = 201, .headers = {{"Location", ca_.url("/order/1")}}, .body = order_json("processing").dump()});
  ca_.on("/order/1", {.headers = {{"Retry-After", "9"}, {"Content-Type", "application/json"}},
                      .body = order_json("processing").dump()});
  ca_.json("/order/1", order_json("valid"));
  ca_.on("/cert",
         {.headers = {{"Content-Type", "application/pem-certificate-chain"}}, .body = minted_.certificate_pem()});
  const auto got = get();
  ASSERT_TRUE(got) << got.error().error.what;
  EXPECT_GE(waited_, 9s);
  EXPECT_LT(waited_, 10s);
}

// RFC 9773 §5: a certificate can be replaced once. Then the order is made without saying so.
TEST_F(ObtainTest, OrdersWithoutReplacingWhatIsReplacedAlready) {
  replaces_ = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
  ca_.problem("/order", 409, "alreadyReplaced");
  ca_.on("/order", {.status = 201, .headers = {{"Location", ca_.url("/order/1")}}, .body = order_json("valid").dump()});
  ca_.on("/cert",
         {.headers = {{"Content-Type", "application/pem-certificate-chain"}}, .body = minted_.certificate_pem()});
  const auto got = get();
  ASSERT_TRUE(got) << got.error().error.what;
  const auto orders = ca_.requests("/order");
  ASSERT_EQ(orders.size(), 2U);
  EXPECT_EQ(CaScript::payload_of(orders[0]).value("replaces", ""), replaces_);
  EXPECT_FALSE(CaScript::payload_of(orders[1]).contains("replaces"));
}

TEST_F(ObtainTest, DoesNotTryAgainWhereTheRefusalIsAboutSomethingElse) {
  replaces_ = "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE";
  ca_.problem("/order", 429, "rateLimited");
  EXPECT_FALSE(get());
  EXPECT_EQ(ca_.requests("/order").size(), 1U);
}

class ObtainAfterACrashTest : public ObtainTest {
 protected:
  void journal(const std::string& key, const std::string& order_url) {
    const OrderJournal journal{.directory_url = ca_.url("/dir"),
                               .account_url = ca_.url("/account/1"),
                               .identifiers = identifiers_of({"a.example"}),
                               .profile = {},
                               .replaces = {},
                               .key_pem = minted_.key_pem(),
                               .order_url = order_url,
                               .begun = clock_.now()};
    ASSERT_TRUE(storage_.write(key, journal.to_json().dump()));
  }
  nlohmann::json valid_authorization(const std::string& token) const {
    const nlohmann::json challenge{{"type", "http-01"}, {"url", ca_.url("/c")}, {"status", "valid"}, {"token", token}};
    return {{"status", "valid"},
            {"identifier", {{"type", "dns"}, {"value", "a.example"}}},
            {"challenges", nlohmann::json::array({challenge})}};
  }
};

// The process was killed when all was shown, and before it took that away.
TEST_F(ObtainAfterACrashTest, TakesAwayWhatWasLeftWhenTheAuthorizationsAreValid) {
  journal("orders/a.json", ca_.url("/order/1"));
  ca_.json("/order/1", order_json("ready"));
  ca_.json("/order/1", order_json("valid"));
  const std::string left_behind = "left-behind-and-not-taken-away";
  ca_.json("/authz", valid_authorization(left_behind));
  ca_.json("/finalize", order_json("valid"));
  ca_.on("/cert",
         {.headers = {{"Content-Type", "application/pem-certificate-chain"}}, .body = minted_.certificate_pem()});
  const auto got = get();
  ASSERT_TRUE(got) << got.error().error.what;
  EXPECT_EQ(solver_.taken_away, std::vector<std::string>{left_behind});
  EXPECT_TRUE(ca_.requests("/order").empty()) << "the order was gone on with";
}

// A name server that does not answer costs ten seconds a record: the process that ends does not wait for that.
TEST_F(ObtainAfterACrashTest, GivesAllThatIsToBeTakenAwayThreeSecondsOfADrain) {
  journal("orders/a.json", ca_.url("/order/1"));
  auto two_names = order_json("ready");
  two_names["authorizations"] = nlohmann::json::array({ca_.url("/authz"), ca_.url("/authz2")});
  ca_.json("/order/1", two_names);
  for (const char* path : {"/authz", "/authz2"}) {
    ca_.json(path, valid_authorization(std::string("left-behind-in-the-name-") + (path + 1)));
  }
  std::stop_source drain;
  solver_.slow = [&](const std::stop_token& stop) -> base::Result<void> {
    drain.request_stop();
    if (base::wait_for(30s, stop)) return {};
    return base::fail(base::Code::cancelled, "stopped");
  };
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_FALSE(get(drain.get_token()));
  EXPECT_EQ(solver_.taken_away.size(), 2U);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 20s);
}

// An order says nothing of its key before it is finalized: the one of the other kind of key is not ours.
TEST_F(ObtainAfterACrashTest, DoesNotAdoptTheOrderOfAnotherJournal) {
  journal("orders/a.json", "");
  journal("orders/a.rsa.json", ca_.url("/order/rsa"));
  ca_.json("/account/1", {{"status", "valid"}, {"orders", ca_.url("/orders")}});
  ca_.json("/orders", {{"orders", nlohmann::json::array({ca_.url("/order/rsa")})}});
  ca_.json("/order/rsa", order_json("ready"));
  ca_.on("/order", {.status = 201, .headers = {{"Location", ca_.url("/order/1")}}, .body = order_json("valid").dump()});
  ca_.on("/cert",
         {.headers = {{"Content-Type", "application/pem-certificate-chain"}}, .body = minted_.certificate_pem()});
  const auto got = get();
  ASSERT_TRUE(got) << got.error().error.what;
  EXPECT_EQ(ca_.requests("/order").size(), 1U) << "one of its own was made";
  EXPECT_TRUE(ca_.requests("/finalize").empty()) << "that of the other journal was left alone";
}

TEST_F(ObtainAfterACrashTest, AdoptsTheOrderThatNoJournalHas) {
  journal("orders/a.json", "");
  ca_.json("/account/1", {{"status", "valid"}, {"orders", ca_.url("/orders")}});
  ca_.json("/orders", {{"orders", nlohmann::json::array({ca_.url("/order/lost")})}});
  ca_.json("/order/lost", order_json("ready"));
  ca_.json("/finalize", order_json("valid"));
  ca_.on("/cert",
         {.headers = {{"Content-Type", "application/pem-certificate-chain"}}, .body = minted_.certificate_pem()});
  const auto got = get();
  ASSERT_TRUE(got) << got.error().error.what;
  EXPECT_TRUE(ca_.requests("/order").empty());
}

}  // namespace
}  // namespace acme
