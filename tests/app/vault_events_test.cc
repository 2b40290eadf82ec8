#include "app/vault_events.h"

#include <gtest/gtest.h>

#include "app/admin_changes.h"

namespace app {
namespace {

constexpr const char* validation =
    R"([{"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","data":{"validationCode":"512d-0001"}}])";
constexpr const char* new_version =
    R"([{"eventType":"Microsoft.KeyVault.KeyNearExpiry","data":{"Id":"https://v.vault.azure.net/keys/k/1"}},
        {"eventType":"Microsoft.KeyVault.CertificateNewVersionCreated",
         "data":{"Id":"https://v.vault.azure.net/certificates/app/1","VaultName":"v","ObjectName":"app"}}])";

TEST(VaultEvents, AreRefusedWhereTheyAreNone) {
  for (const char* body : {"", "{}", "text", "{\"validationCode\":\"x\"}"}) {
    EXPECT_FALSE(vault_events_from(body)) << body;
  }
  for (const char* body :
       {"[1, null, {}]", R"([{"eventType":"x","data":{}}])",
        R"([{"eventType":"Microsoft.KeyVault.SecretNewVersionCreated","data":{"Id":7}}])",
        R"([{"eventType":"Microsoft.KeyVault.SecretNewVersionCreated","data":{"Id":"x","ObjectName":"a"}}])"}) {
    const auto events = vault_events_from(body);
    ASSERT_TRUE(events) << body;
    EXPECT_TRUE(events->changed.empty() && events->validation_code.empty()) << body;
  }
}

TEST(VaultEvents, NameTheVaultAndTheObject) {
  const auto events = vault_events_from(new_version);
  ASSERT_TRUE(events);
  ASSERT_EQ(events->changed.size(), 1U);
  EXPECT_EQ(events->changed.front().vault, "https://v.vault.azure.net");
  EXPECT_EQ(events->changed.front().object, "app");
}

TEST(VaultEvents, NeedTheTokenAndLetThoseWhoFollowLook) {
  std::vector<std::string> looked;
  const auto look = [&](std::string_view vault, std::string_view object) {
    looked.push_back(std::string(vault) + ' ' + std::string(object));
    return std::size_t{1};
  };
  AdminRequest request{"POST", "/api/events/key-vault", "localhost", {}, "application/json; charset=utf-8"};
  request.body = new_version;
  AdminChanges closed({.manager = [] { return nullptr; }, .look = look, .needs_token = true, .token_file = {}});
  EXPECT_EQ(closed.answer(request)->status, 403U);
  EXPECT_TRUE(looked.empty());

  AdminChanges open({.manager = [] { return nullptr; }, .look = look, .needs_token = false, .token_file = {}});
  EXPECT_EQ(open.answer(request)->status, 200U);
  EXPECT_EQ(looked, std::vector<std::string>{"https://v.vault.azure.net app"});
  request.body = validation;
  EXPECT_TRUE(open.answer(request)->body.contains("512d-0001"));
  request.body = "nonsense";
  EXPECT_EQ(open.answer(request)->status, 400U);
}

}  // namespace
}  // namespace app
