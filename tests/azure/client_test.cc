#include "azure/client.h"

#include <gtest/gtest.h>

#include "tests/azure/azure_script.h"

namespace azure {
namespace {

using namespace std::chrono_literals;
using Fate = test::ScriptedServer::Reply::Fate;

const std::string gateway = "/gateway";
constexpr const char* scope = "https://arm/.default";

class ClientTest : public testing::Test {
 protected:
  Outcome<base::HttpResponse> call(const std::string& method, unsigned retries = 3) {
    return services->client->send({.method = method,
                                   .url = azure.server.url(gateway + "?key=hidden"),
                                   .token = TokenRequest{.scope = scope, .tenant = {}, .client_id = {}},
                                   .retries = retries});
  }
  static test::AzureScript::Reply error(unsigned status, const std::string& code, const std::string& message) {
    return {
        .status = status,
        .body = nlohmann::json{{"error", {{"code", code}, {"message", message}, {"innererror", {{"code", "Inner"}}}}}}
                    .dump()};
  }

  test::AzureScript azure;
  std::shared_ptr<const Services> services = azure.services();
};

TEST_F(ClientTest, SaysWhatAzureSaid) {
  azure.reply("GET " + gateway, error(403, "Forbidden", "line one\r\nline two"));
  const auto answer = call("GET");
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().status, 403U);
  EXPECT_TRUE(answer.error().is("Forbidden"));
  EXPECT_TRUE(answer.error().is("Inner"));
  EXPECT_EQ(answer.error().error.what,
            "GET " + azure.server.url(gateway) + ": HTTP 403 Forbidden/Inner: line one??line two");
  EXPECT_TRUE(azure.waits.empty());
}

TEST_F(ClientTest, TellsNoTokenWhateverFails) {
  azure.reply("GET " + gateway, {.fate = Fate::lost});
  const auto answer = call("GET");
  ASSERT_FALSE(answer);
  EXPECT_FALSE(answer.error().error.what.contains("token-1"));
  EXPECT_FALSE(answer.error().error.what.contains("hidden"));
}

TEST_F(ClientTest, AsksOnceMoreWithAnotherTokenWhenOneIsRefused) {
  azure.first("POST /tenant-1/oauth2/v2.0/token", {{.body = R"({"access_token":"old","expires_in":3600})"}});
  azure.first("GET " + gateway, {{.status = 401}});
  azure.reply("GET " + gateway, {.status = 401});
  EXPECT_EQ(call("GET").error().status, 401U);
  EXPECT_EQ(azure.count("GET " + gateway), 2U);
  EXPECT_EQ(azure.requests("GET " + gateway).at(0).header("Authorization"), "Bearer old");
  EXPECT_EQ(azure.requests("GET " + gateway).at(1).header("Authorization"), "Bearer token-1");
  EXPECT_EQ(azure.count("POST /tenant-1/oauth2/v2.0/token"), 2U);
}

TEST_F(ClientTest, WaitsAsLongAsAzureSays) {
  auto busy = error(429, "TooManyRequests", "");
  busy.headers = {{"Retry-After", "7"}};
  auto busier = busy;
  busier.headers = {{"x-ms-retry-after-ms", "1500"}, {"Retry-After", "7"}};
  azure.reply("GET " + gateway, {.body = "{}"});
  azure.first("GET " + gateway, {busy, busier, error(503, "ServiceUnavailable", "")});
  ASSERT_TRUE(call("GET"));
  EXPECT_EQ(azure.waits, (std::vector<std::chrono::milliseconds>{7s, 1500ms, 4s}));
}

TEST_F(ClientTest, GivesUpWhenItsBudgetIsSpent) {
  azure.reply("GET " + gateway, error(500, "InternalError", ""));
  EXPECT_EQ(call("GET", 2).error().status, 500U);
  EXPECT_EQ(azure.count("GET " + gateway), 3U);
  auto busy = error(429, "TooManyRequests", "");
  busy.headers = {{"Retry-After", "600"}};
  azure.reply("GET " + gateway, busy);
  EXPECT_EQ(call("GET").error().retry_after, 600s);
  EXPECT_EQ(azure.count("GET " + gateway), 4U);
}

TEST_F(ClientTest, SendsAPostAgainOnlyWhereNothingWasDone) {
  azure.reply("POST " + gateway, error(500, "InternalError", ""));
  EXPECT_EQ(call("POST").error().status, 500U);
  EXPECT_EQ(azure.count("POST " + gateway), 1U);
  azure.reply("POST " + gateway, {.body = "{}"});
  azure.first("POST " + gateway, {error(429, "TooManyRequests", "")});
  EXPECT_TRUE(call("POST"));
  EXPECT_EQ(azure.count("POST " + gateway), 3U);
}

TEST_F(ClientTest, SendsBodyAndHeadersAsTheyAre) {
  azure.reply("PUT " + gateway, {.headers = {{"Azure-AsyncOperation", "https://x/1"}}, .body = R"({"a" : 1})"});
  const auto answer = services->client->send({.method = "PUT",
                                              .url = azure.server.url(gateway),
                                              .token = TokenRequest{.scope = scope, .tenant = {}, .client_id = {}},
                                              .body = R"({"b":  2})",
                                              .headers = {{"If-Match", "etag"}}});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->body, R"({"a" : 1})");
  EXPECT_EQ(answer->header("azure-asyncoperation"), "https://x/1");
  const auto request = azure.requests("PUT " + gateway).front();
  EXPECT_EQ(request.body, R"({"b":  2})");
  EXPECT_EQ(request.header("If-Match"), "etag");
  EXPECT_EQ(request.header("Content-Type"), "application/json");
}

TEST_F(ClientTest, SaysWhenThereIsNoToken) {
  azure.folder.remove("token");
  const auto answer = call("GET");
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().no_token);
  EXPECT_EQ(azure.count("GET " + gateway), 0U);
}

}  // namespace
}  // namespace azure
