#include "azure/key_vault_source.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/azure/azure_script.h"
#include "tests/support/mint.h"

namespace azure {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Reply = test::AzureScript::Reply;

const test::Authority& authority() {
  static const test::Authority made("root");
  return made;
}

std::string pem_of(const std::string& host) {
  const auto minted = authority().issue({.names = {host}});
  return minted.chain_pem() + minted.key_pem();
}

// A vault of certificates, told in the API's words. One thread sets it up while the source does not poll.
class KeyVaultSourceTest : public testing::Test {
 protected:
  KeyVaultSourceTest() {
    config.vault = azure.server.url("");
    config.name = "app";
    config.poll = 1h;  // never by itself
    // Nobody gets anything without a token.
    azure.reply("GET /secrets", Reply{.status = 401, .headers = {{"WWW-Authenticate", challenge}}});
    versions("app", {item("app/v1", 1)});
    secret("app/v1", pem_of("one.example.com"));
  }

  static json item(const std::string& path, int created, bool enabled = true) {
    return {{"id", "https://v.vault.azure.net/certificates/" + path},
            {"attributes", {{"enabled", enabled}, {"created", created}}}};
  }
  void versions(const std::string& name, const std::vector<json>& items) {
    azure.reply("GET /certificates/" + name + "/versions",
                Reply{.body = json{{"value", items}, {"nextLink", nullptr}}.dump()});
  }
  void secret(const std::string& path, const std::string& value) {
    azure.reply("GET /secrets/" + path, Reply{.body = json{{"value", value}, {"kid", "k"}, {"managed", true}}.dump()});
  }
  static Reply refusal(unsigned status, const std::string& code, const std::string& inner) {
    return {.status = status,
            .body = json{{"error", {{"code", code}, {"message", "no"}, {"innererror", {{"code", inner}}}}}}.dump()};
  }

  void start() {
    source = std::make_unique<KeyVaultSource>(
        azure.services(), config, KeyVaultSource::Options{.patience = patience, .between_looks = between_looks});
    source->start([this](certstore::Change change) {
      const std::lock_guard lock(mutex);
      for (certstore::Candidate& candidate : change.candidates) {
        shown.insert_or_assign(candidate.id, candidate.certificate
                                                 ? candidate.certificate.value()->facts().dns_names.at(0)
                                                 : candidate.certificate.error().what);
        ++reports;
      }
      for (const std::string& id : change.gone) shown.erase(id);
    });
  }
  // Returns when it has looked once more.
  void look() {
    const auto before = source->status().rounds;
    source->look();
    while (source->status().rounds == before) std::this_thread::yield();
  }
  std::string app() { return of("app"); }
  std::string of(const std::string& id) {
    const std::lock_guard lock(mutex);
    return shown.contains(id) ? shown.at(id) : "absent";
  }

  static constexpr const char* challenge =
      R"(Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net")";
  test::AzureScript azure;
  config::KeyVaultCertificate config;
  std::chrono::milliseconds patience{10'000};
  std::chrono::milliseconds between_looks{0};
  std::mutex mutex;
  std::map<std::string, std::string> shown;
  int reports = 0;
  std::unique_ptr<KeyVaultSource> source;
};

TEST_F(KeyVaultSourceTest, SendsNoTokenToAVaultThatAsksForAnother) {
  azure.reply(
      "GET /secrets",
      Reply{.status = 401, .headers = {{"WWW-Authenticate", R"(Bearer resource="https://graph.microsoft.com")"}}});
  start();
  EXPECT_TRUE(app().contains("no token is sent")) << app();
  for (const auto& request : azure.server.requests()) EXPECT_EQ(request.header("Authorization"), "") << request.target;
}

TEST_F(KeyVaultSourceTest, TellsEachReasonApart) {
  azure.reply("GET /certificates/app/versions", refusal(403, "Forbidden", "ForbiddenByFirewall"));
  start();
  EXPECT_TRUE(app().starts_with("kept out by the vault's firewall: ")) << app();
  azure.reply("GET /certificates/app/versions", refusal(403, "Forbidden", "ForbiddenByRbac"));
  look();
  EXPECT_TRUE(app().starts_with("no permission: our identity may not read app")) << app();
  azure.reply("GET /certificates/app/versions", refusal(404, "CertificateNotFound", ""));
  look();
  EXPECT_TRUE(app().starts_with("not found: there is no app in ")) << app();
  azure.reply("GET /deletedcertificates/app", Reply{.body = "{}"});
  look();
  EXPECT_TRUE(app().starts_with("soft-deleted: ")) << app();
  versions("app", {item("app/v1", 1, false)});
  look();
  EXPECT_TRUE(app().starts_with("disabled: ")) << app();
  versions("app", {item("app/v1", 1)});
  azure.reply("GET /secrets/app/v1", refusal(403, "Forbidden", "AccessDenied"));
  look();
  EXPECT_TRUE(app().starts_with("no permission: our identity may not get the secret of app")) << app();
  azure.reply("GET /secrets/app/v1", refusal(403, "Forbidden", "SecretDisabled"));
  look();
  EXPECT_TRUE(app().starts_with("disabled: ")) << app();
  secret("app/v1", authority().issue({.names = {"one.example.com"}}).chain_pem());
  look();
  EXPECT_TRUE(app().starts_with("not exportable: version v1 of app: ")) << app();
}

TEST_F(KeyVaultSourceTest, ServesAnOlderVersionRatherThanNoneAndSaysWhy) {
  versions("app", {item("app/v1", 1), item("app/v2", 2)});
  secret("app/v2", "rubbish");
  start();
  EXPECT_TRUE(app().starts_with("no certificate: version v2 of app: ")) << app();
  const KeyVaultStatus status = source->status();
  EXPECT_EQ(status.certificates, 1U);
  EXPECT_EQ(status.versions, 2U);
  look();
  EXPECT_EQ(azure.count("GET /secrets/app/v2"), 1U);
}

TEST_F(KeyVaultSourceTest, FollowsNoListToAnotherPlace) {
  azure.reply("GET /certificates/app/versions",
              Reply{.body = json{{"value", json::array()}, {"nextLink", "https://evil.example/next"}}.dump()});
  start();
  EXPECT_TRUE(app().contains("its list goes on in another place")) << app();
}

TEST_F(KeyVaultSourceTest, ComesBackSoonAfterAFailureAndLaterEachTime) {
  config.poll = 2min;
  azure.reply("GET /certificates/app/versions", refusal(403, "Forbidden", "ForbiddenByFirewall"));
  start();
  const auto near = [&](std::chrono::milliseconds expected) {
    const auto pause = source->status().pause;
    return pause >= expected * 9 / 10 && pause <= expected * 11 / 10;
  };
  EXPECT_TRUE(near(5s)) << source->status().pause.count();
  for (const auto expected : {10s, 20s, 40s, 80s, 120s, 120s}) {
    look();
    EXPECT_TRUE(near(expected)) << source->status().pause.count();
  }
  const int before = reports;
  look();
  EXPECT_EQ(reports, before);  // the same news is no news
  versions("app", {item("app/v1", 1)});
  look();
  EXPECT_EQ(app(), "one.example.com");
  EXPECT_TRUE(near(2min));
}

TEST_F(KeyVaultSourceTest, ReadsASecretOnlyWhenTheNewestEnabledVersionIsAnother) {
  versions("app", {item("app/v1", 1), item("app/v3", 3, false), item("app/v2", 2)});
  secret("app/v2", pem_of("two.example.com"));
  start();
  EXPECT_EQ(app(), "two.example.com");
  look();
  look();
  EXPECT_EQ(azure.count("GET /secrets/app/v2"), 1U);
  EXPECT_EQ(azure.count("GET /secrets/app/v1"), 0U);
  versions("app", {item("app/v3", 3), item("app/v2", 2)});
  secret("app/v3", pem_of("three.example.com"));
  look();
  EXPECT_EQ(app(), "three.example.com");
  EXPECT_EQ(azure.count("GET /secrets"), 1U);  // the challenge is asked for once
}

TEST_F(KeyVaultSourceTest, StaysWithAPinnedVersion) {
  config.version = "v1";
  versions("app", {item("app/v1", 1), item("app/v2", 2)});
  start();
  EXPECT_EQ(app(), "one.example.com");
  EXPECT_EQ(azure.count("GET /secrets/app/v2"), 0U);
}

TEST_F(KeyVaultSourceTest, FollowsAllWithAPrefixAndLetsGoOfWhatIsGone) {
  config.name.clear();
  config.prefix = "app";
  const auto list = [this](const std::vector<json>& items) {
    azure.reply("GET /certificates", Reply{.body = json{{"value", items}, {"nextLink", nullptr}}.dump()});
  };
  list({item("app", 1), item("app-2", 1), item("other", 1)});
  versions("app-2", {item("app-2/a", 1)});
  secret("app-2/a", pem_of("two.example.com"));
  start();
  EXPECT_EQ(app(), "one.example.com");
  EXPECT_EQ(of("app-2"), "two.example.com");
  EXPECT_EQ(of("other"), "absent");
  look();
  EXPECT_EQ(azure.count("GET /certificates/app/versions"), 1U);
  list({item("app", 1)});
  look();
  EXPECT_EQ(of("app-2"), "two.example.com") << "one list may be wrong";
  EXPECT_LE(source->status().pause, 6s) << "and is looked at again soon";
  look();
  EXPECT_EQ(of("app-2"), "absent");
}

TEST_F(KeyVaultSourceTest, TakesNoAnswerThatIsNoListForAnEmptyVault) {
  config.name.clear();
  config.prefix = "app";
  azure.reply("GET /certificates", Reply{.body = json{{"value", {item("app", 1)}}, {"nextLink", nullptr}}.dump()});
  start();
  EXPECT_EQ(app(), "one.example.com");
  for (const char* answer : {"{}", R"({"value":null})", R"({"value":[],"nextLink":7})", R"({"value":{}})",
                             R"({"value":[{"id":"https://v.vault.azure.net/certificates/app%20"}]})"}) {
    azure.reply("GET /certificates", Reply{.body = answer});
    look();
    look();
    EXPECT_TRUE(app().contains("could be used")) << answer << ": " << app();
    EXPECT_EQ(source->status().certificates, 1U) << answer;
  }
  azure.reply("GET /certificates", Reply{.body = json{{"value", {item("app", 1)}}, {"nextLink", nullptr}}.dump()});
  look();
  EXPECT_EQ(app(), "one.example.com");
}

TEST_F(KeyVaultSourceTest, TakesAOnceMissedCertificateBackAsItWas) {
  config.name.clear();
  config.prefix = "app";
  const auto list = [this](const std::vector<json>& items) {
    azure.reply("GET /certificates", Reply{.body = json{{"value", items}, {"nextLink", nullptr}}.dump()});
  };
  list({item("app", 1)});
  start();
  for (int turn = 0; turn < 3; ++turn) {
    list({});
    look();
    EXPECT_EQ(app(), "one.example.com") << turn;
    list({item("app", 1)});
    look();
  }
  EXPECT_EQ(azure.count("GET /secrets/app/v1"), 1U);
}

TEST_F(KeyVaultSourceTest, StopsAtAListThatIsLargerThanAnyVaults) {
  patience = 60s;  // thirty megabytes, in a build that looks at each byte
  json large = item("app/v1", 1);
  for (int tag = 0; tag < 50; ++tag) large["tags"][std::to_string(tag)] = std::string(1000, 'x');
  azure.reply("GET /certificates/app/versions",
              Reply{.body = json{{"value", json::array_t(25, large)},
                                 {"nextLink", azure.server.url("/certificates/app/versions?next=1")}}
                                .dump()});
  start();
  EXPECT_TRUE(app().contains("a list of more than 32 MiB")) << app();
}

// However many events are pushed.
TEST_F(KeyVaultSourceTest, IsLookedAtNoSoonerThanTheVaultWants) {
  azure.reply("GET /certificates/app/versions",
              Reply{.status = 403, .headers = {{"Retry-After", "3000"}}, .body = "{}"});
  start();
  for (int event = 0; event < 1000; ++event) source->look();
  source->stop();
  EXPECT_EQ(source->status().rounds, 1U);
  EXPECT_EQ(azure.count("GET /certificates/app/versions"), 1U);
}

TEST_F(KeyVaultSourceTest, IsLookedAtNoOftenerThanItsPause) {
  between_looks = 1h;
  start();
  for (int event = 0; event < 1000; ++event) source->look();
  source->stop();
  EXPECT_EQ(source->status().rounds, 1U);
}

TEST_F(KeyVaultSourceTest, FollowsAllThatHaveATag) {
  config.name.clear();
  config.tags = {{"env", "prod"}};
  json tagged = item("app", 1);
  tagged["tags"] = {{"env", "prod"}, {"x", "y"}};
  json other = item("other", 1);
  other["tags"] = {{"env", "test"}};
  azure.reply("GET /certificates",
              Reply{.body = json{{"value", json::array({other, tagged})}, {"nextLink", nullptr}}.dump()});
  start();
  EXPECT_EQ(app(), "one.example.com");
  EXPECT_EQ(of("other"), "absent");
}

}  // namespace
}  // namespace azure
