#include "kube/client.h"

#include <gtest/gtest.h>

#include <chrono>

#include "tests/kube/api_script.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
const ObjectName app{"web", "app"};
const std::string one = "/api/v1/namespaces/web/secrets/app";
const std::string all = "/api/v1/namespaces/web/secrets";

TEST(Client, SaysWhatTheServerSaid) {
  test::ApiScript api;
  api.status("GET " + one, 403, "Forbidden", "User \"edge\" cannot get secrets");
  const auto object = api.client.get(resources::secrets, app);
  ASSERT_FALSE(object);
  EXPECT_TRUE(object.error().forbidden());
  EXPECT_EQ(object.error().reason, "Forbidden");
  EXPECT_EQ(object.error().error.what, "GET " + one + ": HTTP 403 Forbidden: User \"edge\" cannot get secrets");
}

TEST(Client, QuotesWhatIsNoStatusAsOnePrintableText) {
  test::ApiScript api;
  api.on("GET " + one, {.status = 502, .body = "<html>\x1b[2Jbad\n" + std::string(2000, 'x')});
  const auto object = api.client.get(resources::secrets, app);
  ASSERT_FALSE(object);
  EXPECT_LT(object.error().error.what.size(), 700U);
  EXPECT_EQ(object.error().error.what.find_first_of("\x1b\n"), std::string::npos);
}

TEST(Client, TellsNoTokenWhateverFails) {
  test::ApiScript api;
  api.access->token = "very-secret";
  api.status("GET " + one, 401, "Unauthorized");
  api.on("PUT " + one, {.fate = test::ScriptedServer::Reply::Fate::lost});
  EXPECT_FALSE(api.client.get(resources::secrets, app).error().error.what.contains("very-secret"));
  const auto lost = api.client.update(resources::secrets, test::ApiScript::object("app", "1"));
  EXPECT_FALSE(lost.error().error.what.contains("very-secret"));
  EXPECT_EQ(api.requests().front().header("Authorization"), "Bearer very-secret");
}

TEST(Client, AsksOnceMoreWithAnotherTokenWhenItIsNotKnown) {
  test::ApiScript api;
  api.access->next_token = "new-token";
  api.status("GET " + one, 401, "Unauthorized");
  api.json("GET " + one, test::ApiScript::object("app", "1"));
  const auto object = api.client.get(resources::secrets, app);
  ASSERT_TRUE(object) << object.error().error.what;
  EXPECT_EQ(api.requests().at(1).header("Authorization"), "Bearer new-token");
}

TEST(Client, AsksOnlyOnceWhereThereIsNoOtherToken) {
  test::ApiScript api;
  api.status("GET " + one, 401, "Unauthorized");
  EXPECT_EQ(api.client.get(resources::secrets, app).error().status, 401U);
  EXPECT_EQ(api.requests().size(), 1U);
}

TEST(Client, WaitsAsABusyServerSays) {
  test::ApiScript api;
  api.on("GET " + one, {.status = 429, .headers = {{"Retry-After", "1"}}});
  api.json("GET " + one, test::ApiScript::object("app", "1"));
  const auto begun = std::chrono::steady_clock::now();
  EXPECT_TRUE(api.client.get(resources::secrets, app));
  EXPECT_GE(std::chrono::steady_clock::now() - begun, 1s);
}

TEST(Client, DoesNotWaitLongerThanACallMayTake) {
  test::ApiScript api;
  api.on("GET " + one, {.status = 429, .headers = {{"Retry-After", "3000"}}});
  const auto object = api.client.get(resources::secrets, app);
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().retry_after, 3000s);
  EXPECT_EQ(object.error().error.code, base::Code::overloaded);
}

TEST(Client, DoesNotCreateTwiceWhenNobodyKnowsHowItEnded) {
  test::ApiScript api;
  api.on("POST " + all, {.fate = test::ScriptedServer::Reply::Fate::lost});
  EXPECT_FALSE(api.client.create(resources::secrets, test::ApiScript::object("app", "")));
  EXPECT_EQ(api.requests().size(), 1U);
}

TEST(Client, ReadsAgainWhenAConnectionIsLost) {
  test::ApiScript api;
  api.on("GET " + one, {.fate = test::ScriptedServer::Reply::Fate::lost});
  api.json("GET " + one, test::ApiScript::object("app", "1"));
  EXPECT_TRUE(api.client.get(resources::secrets, app));
}

TEST(Client, RefusesAnAnswerThatIsNoObject) {
  test::ApiScript api;
  api.on("GET " + one, {.body = "[1]"});
  EXPECT_EQ(api.client.get(resources::secrets, app).error().error.code, base::Code::protocol);
}

const std::string deep = std::string(1'000'000, '[') + std::string(1'000'000, ']');

TEST(Client, RefusesAnObjectThatIsNestedTooDeepToBeWrittenBackWhole) {
  test::ApiScript api;
  api.on("GET " + one, {.body = R"({"metadata":{"name":"app"},"spec":)" + deep + "}"});
  const auto object = api.client.get(resources::secrets, {"web", "app"});
  ASSERT_FALSE(object);
  EXPECT_EQ(object.error().error.code, base::Code::protocol);
}

TEST(Client, ListsTheOthersWhereOneIsNestedDeep) {
  test::ApiScript api;
  api.on("GET " + all, {.body = R"({"metadata":{"resourceVersion":"5"},"items":[{"metadata":{"name":"a"},"spec":)" +
                                deep + R"(},{"metadata":{"name":"b"}}]})"});
  const auto listed = api.client.list(resources::secrets, {.name_space = "web"});
  ASSERT_TRUE(listed) << listed.error().error.what;
  ASSERT_EQ(listed->items.size(), 2U);
  EXPECT_EQ(name_of(listed->items[1]).name, "b");
}

TEST(Client, ListsAllInOneAnswerWhenTheServerHasForgottenItsPages) {
  test::ApiScript api;
  api.json("GET " + all, test::ApiScript::list({test::ApiScript::object("a", "1")}, "5", "next"));
  api.status("GET " + all, 410, "Expired");
  api.json("GET " + all,
           test::ApiScript::list({test::ApiScript::object("a", "1"), test::ApiScript::object("b", "2")}, "9"));
  const auto listed = api.client.list(resources::secrets, {.name_space = "web"});
  ASSERT_TRUE(listed) << listed.error().error.what;
  EXPECT_EQ(listed->items.size(), 2U);
  EXPECT_EQ(listed->resource_version, "9");
  EXPECT_FALSE(api.requests().back().target.contains("limit="));
}

TEST(Client, ListsPageAfterPage) {
  test::ApiScript api;
  api.json("GET " + all, test::ApiScript::list({test::ApiScript::object("a", "1")}, "5", "x/y=="));
  api.json("GET " + all, test::ApiScript::list({test::ApiScript::object("b", "2")}, "5"));
  const auto listed = api.client.list(resources::secrets, {.name_space = "web", .fields = "type=kubernetes.io/tls"});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->items.size(), 2U);
  EXPECT_EQ(listed->items[1]["kind"], "Secret");
  EXPECT_EQ(listed->items[1]["apiVersion"], "v1");
  EXPECT_TRUE(api.requests()[0].target.contains("fieldSelector=type%3Dkubernetes.io%2Ftls"));
  EXPECT_TRUE(api.requests()[1].target.contains("continue=x%2Fy%3D%3D"));
}

TEST(Client, AppliesUnderItsOwnName) {
  test::ApiScript api;
  api.json("PATCH " + one, test::ApiScript::object("app", "2"));
  nlohmann::json object = test::ApiScript::object("app", "");
  object["metadata"].erase("resourceVersion");
  object["metadata"]["managedFields"] = nlohmann::json::array();
  ASSERT_TRUE(api.client.apply(resources::secrets, object, Client::Conflict::force));
  const auto request = api.requests().front();
  EXPECT_EQ(request.target, one + "?fieldManager=sekisho&force=true");
  EXPECT_EQ(request.header("Content-Type"), "application/apply-patch+yaml");
  const auto body = nlohmann::json::parse(request.body);
  EXPECT_EQ(body["kind"], "Secret");
  EXPECT_FALSE(body["metadata"].contains("managedFields"));
}

TEST(Client, UpdatesTheStatusAlone) {
  test::ApiScript api;
  api.status("PUT " + one + "/status", 409, "Conflict");
  EXPECT_TRUE(api.client.update(resources::secrets, test::ApiScript::object("app", "1"), "status").error().conflict());
}

TEST(Client, DeletesOnlyWhatItHasSeen) {
  test::ApiScript api;
  api.json("DELETE " + one, nlohmann::json::object());
  ASSERT_TRUE(api.client.remove(resources::secrets, app, {.uid = "u", .resource_version = "7"}));
  const auto body = nlohmann::json::parse(api.requests().front().body);
  EXPECT_EQ(body["preconditions"], (nlohmann::json{{"uid", "u"}, {"resourceVersion", "7"}}));
}

}  // namespace
}  // namespace kube
