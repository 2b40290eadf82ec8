#include "acme/obtain.h"

#include <gtest/gtest.h>

#include "tests/acme/ca_script.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

using namespace std::chrono_literals;
using test::CaScript;

class UnusedSolver final : public Solver {
 public:
  [[nodiscard]] config::ChallengeType type() const override { return config::ChallengeType::http01; }
  [[nodiscard]] base::Result<void> present(const ChallengeTask&, std::stop_token) override { return {}; }
  base::Result<void> clean_up(const ChallengeTask&) override { return {}; }
};

class ObtainTest : public testing::Test {
 protected:
  nlohmann::json order_json(const std::string& status) const {
    return {{"status", status},
            {"identifiers", {{{"type", "dns"}, {"value", "a.example"}}}},
            {"authorizations", {ca_.url("/authz")}},
            {"finalize", ca_.url("/finalize")},
            {"certificate", ca_.url("/cert")}};
  }
  // Without patience: each wait takes its time on the clock alone.
  Outcome<certstore::CertificatePtr> get() {
    const auto lock = locks_.take("a", 1s, {}).value();
    const Wanted wanted{.journal = "orders/a.json",
                        .identifiers = identifiers_of({"a.example"}),
                        .key_pem = minted_.key_pem(),
                        .profile = {},
                        .replaces = {},
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
    return obtain(wanted, bench, {});
  }

  CaScript ca_;
  test::ScratchFolder folder_;
  test::Minted minted_ = test::Authority("CA").issue({.names = {"a.example"}});
  FolderStorage storage_{folder_.path()};
  FolderLocks locks_{folder_.path() / "locks"};
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
  Client client_{{.directory_url = ca_.url("/dir"), .timeout = 20s}, clock_};
  Signer signer_{*AccountKey::make(), ca_.url("/account/1")};
  UnusedSolver solver_;
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

}  // namespace
}  // namespace acme
