#include "app/managed_json.h"

#include <gtest/gtest.h>

namespace app {
namespace {

TEST(ManagedJson, HasNullWhereThereIsNoTimeAndLeavesOutWhatIsNot) {
  acme::ManagedCertificate managed;
  managed.name = "www.example.com";
  const auto json = managed_json(managed);
  EXPECT_TRUE(json["next_action"].is_null());
  EXPECT_TRUE(json["failed_at"].is_null());
  EXPECT_FALSE(json.contains("window"));
  EXPECT_FALSE(json.contains("order"));
  EXPECT_EQ(json["state"], "waiting");
}

TEST(ManagedJson, TellsTheOrderAndTheWindow) {
  const base::SystemTime start = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);
  acme::ManagedCertificate managed;
  managed.next_action = start;
  managed.window = acme::KnownWindow{{start, start + std::chrono::hours(48), {}}, start + std::chrono::hours(1), start};
  managed.explanation_url = "https://ca.test/why";
  managed.order = acme::OrderProgress{.step = acme::OrderProgress::Step::challenges,
                                      .issuer = "letsencrypt",
                                      .url = "https://ca.test/order/1",
                                      .status = "pending",
                                      .authorizations = {}};
  managed.order->authorizations.push_back({.identifier = {acme::Identifier::Type::dns, "example.com"},
                                           .wildcard = true,
                                           .status = "pending",
                                           .challenge = config::ChallengeType::dns01,
                                           .challenge_status = "processing",
                                           .problem = {}});
  const auto json = managed_json(managed);
  EXPECT_EQ(json["next_action"], "2026-03-01T00:00:00Z");
  EXPECT_EQ(json["window"]["chosen"], "2026-03-01T01:00:00Z");
  EXPECT_EQ(json["window"]["explanation_url"], "https://ca.test/why");
  EXPECT_EQ(json["order"]["url"], "https://ca.test/order/1");
  EXPECT_EQ(json["order"]["authorizations"][0]["name"], "*.example.com");
  EXPECT_EQ(json["order"]["authorizations"][0]["challenge"], "dns-01");
}

}  // namespace
}  // namespace app
