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

TEST(VaultEvents, ComeAsCloudEventsToo) {
  constexpr const char* one =
      R"({"specversion":"1.0","id":"1","source":"/subscriptions/s","subject":"app",
          "type":"Microsoft.KeyVault.CertificateNewVersionCreated",
          "data":{"Id":"https://v.vault.azure.net/certificates/app/1","VaultName":"v","ObjectName":"app"}})";
  for (const std::string& body : {std::string(one), "[" + std::string(one) + "]"}) {
    const auto events = vault_events_from(body);
    ASSERT_TRUE(events) << body;
    ASSERT_EQ(events->changed.size(), 1U) << body;
    EXPECT_EQ(events->changed.front().vault, "https://v.vault.azure.net");
    EXPECT_EQ(events->changed.front().object, "app");
  }
  EXPECT_FALSE(vault_events_from(R"({"specversion":"2.0","type":"x","data":{}})"));
  const auto foreign = vault_events_from(R"({"specversion":"1.0","type":"Microsoft.Storage.BlobCreated","data":{}})");
  ASSERT_TRUE(foreign);
  EXPECT_TRUE(foreign->changed.empty());
}

TEST(VaultEvents, AreAllowedToComeWhereSomebodyLooks) {
  const auto look = [](std::string_view, std::string_view) { return std::size_t{1}; };
  AdminRequest request{"OPTIONS", "/api/events/key-vault", "localhost"};
  request.webhook_origin = "eventgrid.azure.net";
  AdminChanges deaf({.manager = [] { return nullptr; }, .needs_token = true, .token_file = {}});
  EXPECT_EQ(deaf.answer(request)->status, 403U);
  AdminChanges changes({.manager = [] { return nullptr; }, .look = look, .needs_token = true, .token_file = {}});
  const auto answer = changes.answer(request);
  EXPECT_EQ(answer->status, 200U);
  const std::pair<std::string, std::string> allowed{"WebHook-Allowed-Origin", "eventgrid.azure.net"};
  EXPECT_EQ(answer->headers.at(1), allowed);
  for (const char* origin : {"", "a\r\nSet-Cookie: x", "a b", "<script>"}) {
    request.webhook_origin = origin;
    EXPECT_EQ(changes.answer(request)->status, 403U) << origin;
  }
  request.target = "/api/doctor";
  EXPECT_EQ(changes.answer(request)->status, 405U) << "nothing else";
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
  request.content_type = "application/cloudevents+json; charset=utf-8";
  EXPECT_EQ(open.answer(request)->status, 200U);
  request.content_type = "text/plain";
  EXPECT_EQ(open.answer(request)->status, 415U);
  request.content_type = "application/json";
  request.body = validation;
  EXPECT_TRUE(open.answer(request)->body.contains("512d-0001"));
  request.body = "nonsense";
  EXPECT_EQ(open.answer(request)->status, 400U);
}

}  // namespace
}  // namespace app
