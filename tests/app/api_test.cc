#include "app/api.h"

#include <gtest/gtest.h>

#include "app/status_page.h"
#include "tests/app/observed.h"

namespace app {
namespace {

TEST(Readiness, WarnsOfAMirrorThatIsNotWhatItShouldBe) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  using What = azure::MirrorState::What;
  gateway.seen.mirrors = {{"key vault v",
                           {{"a", "a", What::in_step, "", {}, ""},
                            {"b", "b", What::behind, "", {}, ""},
                            {"c", "c", What::refused, "", {}, "no right"}}}};
  EXPECT_EQ(readiness_json(gateway.observe())["warnings"], Json::array({"key vault v: c: no right"}));
}

TEST(Status, CountsWhatIsServedApartFromWhatIsRefused) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  certstore::CertificateStatus refused;
  refused.problem = "the key does not match";
  gateway.seen.certificates.push_back(refused);
  const Json status = status_json(gateway.observe());
  EXPECT_EQ(status["certificates_served"], 1);
  EXPECT_EQ(status["certificates_refused"], 1);
}

TEST(Readiness, IsNotThereBeforeEveryWorkerServes) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  proxy::WorkerStats late;
  gateway.seen.workers.push_back(&late);
  EXPECT_EQ(readiness_json(gateway.observe())["ready"], false);
  late.generation = 2;
  const Json answer = readiness_json(gateway.observe());
  EXPECT_EQ(answer["ready"], true);
  EXPECT_EQ(answer["generation"], 2) << "the generation that all workers serve";
  EXPECT_EQ(answer["published_generation"], 3);
}

// What probes and scripts rely on, word for word: a change here is a change of what sekisho promises.
constexpr const char* nothing_to_serve = R"json({
  "ready": false,
  "reasons": [
    "no certificate: all listeners are TLS and there is no certificate for any name"
  ],
  "warnings": [],
  "draining": false,
  "generation": 3,
  "published_generation": 3,
  "reload": {
    "last": "good",
    "good": 0,
    "refused": 0,
    "problems": [],
    "restart_needed": []
  }
}
)json";

constexpr const char* refused_reload = R"json({
  "ready": true,
  "reasons": [],
  "warnings": [
    "the newest configuration was refused; the one before it is served (see reload.problems)",
    "certificate files:www.example.com: expires soon"
  ],
  "draining": false,
  "generation": 3,
  "published_generation": 3,
  "reload": {
    "last": "refused",
    "good": 2,
    "refused": 1,
    "at": "2026-01-01T00:00:00Z",
    "problems": [
      "sekisho.yaml:3:5: found key `tsl`, expected tls"
    ],
    "restart_needed": [
      "workers: 2 is in force, 4 needs a restart"
    ]
  }
}
)json";

TEST(Readiness, IsThisAnswerExactly) {
  Observed gateway;
  EXPECT_EQ(dump(readiness_json(gateway.observe())), nothing_to_serve);
  gateway.add_certificate("www.example.com");
  gateway.seen.certificates.front().problem = "expires soon";
  gateway.seen.reloads = {.good = 2,
                          .refused = 1,
                          .last_refused = true,
                          .problems = {"sekisho.yaml:3:5: found key `tsl`, expected tls"},
                          .restart_needed = {"workers: 2 is in force, 4 needs a restart"},
                          .at = gateway.seen.now};
  EXPECT_EQ(dump(readiness_json(gateway.observe())), refused_reload);
}

TEST(Readiness, EndsWithDrain) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  gateway.seen.draining = true;
  const Json answer = readiness_json(gateway.observe());
  EXPECT_EQ(answer["ready"], false);
  EXPECT_EQ(answer["reasons"].size(), 1U);
  EXPECT_EQ(answer["draining"], true);
}

TEST(Readiness, NeedsACertificateOnlyWhereAllListenersAreTls) {
  Observed gateway;
  EXPECT_EQ(readiness_json(gateway.observe())["ready"], false);
  config::Config config = *gateway.snapshot.config;
  config.listeners.push_back({.address = {.host = "127.0.0.1", .port = 8080}, .tls = false, .proxy_protocol_from = {}});
  gateway.snapshot.config = std::make_shared<config::Config>(config);
  EXPECT_EQ(readiness_json(gateway.observe())["ready"], true);
}

TEST(Readiness, SurvivesARefusedReloadAndTellsOfIt) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  gateway.seen.reloads = {.good = 1,
                          .refused = 1,
                          .last_refused = true,
                          .problems = {"sekisho.yaml:3:5: found `tsl`"},
                          .restart_needed = {}};
  const Json answer = readiness_json(gateway.observe());
  EXPECT_EQ(answer["ready"], true);
  EXPECT_EQ(answer["warnings"].size(), 1U);
  EXPECT_EQ(answer["reload"]["last"], "refused");
  EXPECT_EQ(answer["reload"]["problems"][0], "sekisho.yaml:3:5: found `tsl`");
}

TEST(Readiness, WarnsOfCertificatesInABoundedList) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  for (int i = 0; i < 100; ++i) {
    certstore::CertificateStatus refused;
    refused.id = "files:" + std::to_string(i);
    refused.problem = "no certificate in it";
    gateway.seen.certificates.push_back(refused);
  }
  EXPECT_EQ(readiness_json(gateway.observe())["warnings"].size(), 21U);
}

TEST(Api, TellsTheStateOfEachCertificate) {
  Observed gateway;
  gateway.add_certificate("good.example.com");
  test::LeafOptions past, future;
  past.not_after = gateway.seen.now;
  future.not_before = gateway.seen.now + std::chrono::hours(1);
  gateway.add_certificate("past.example.com", past);
  gateway.add_certificate("future.example.com", future);
  certstore::CertificateStatus refused;
  refused.problem = "the key does not match";
  gateway.seen.certificates.push_back(refused);
  gateway.seen.certificates.emplace_back();
  const Json answer = certificates_json(gateway.observe());
  ASSERT_EQ(answer.size(), 5U);
  EXPECT_EQ(answer[0]["state"], "valid");
  EXPECT_EQ(answer[0]["names"], Json::array({"good.example.com"}));
  EXPECT_EQ(answer[0]["not_after"], "2120-01-01T00:00:00Z");
  EXPECT_EQ(answer[1]["state"], "expired");
  EXPECT_EQ(answer[2]["state"], "not_yet_valid");
  EXPECT_EQ(answer[3]["state"], "refused");
  EXPECT_EQ(answer[4]["state"], "unused");
}

TEST(Api, ListsWhatAMirrorIsToHoldAndNobodyHas) {
  Observed gateway;
  gateway.add_certificate("old.example.com");
  const std::string fingerprint = gateway.seen.certificates[0].serving->fingerprint();
  using What = azure::MirrorState::What;
  gateway.seen.mirrors = {{"key vault v",
                           {{"typo.example.com", "typo", What::refused, "", {}, "there is none"},
                            {"old.example.com", "old", What::refused, fingerprint, {}, "it expired"},
                            {"new.example.com", "new", What::in_step, std::string(64, 'a'), {}, ""}}}};
  const Json answer = certificates_json(gateway.observe());
  ASSERT_EQ(answer.size(), 2U);
  EXPECT_EQ(answer[0]["mirrors"][0]["problem"], "it expired");
  EXPECT_EQ(answer[1]["names"], Json::array({"typo.example.com"}));
  EXPECT_EQ(answer[1]["state"], "not mirrored");
  EXPECT_EQ(answer[1]["problem"], "key vault v: there is none");
}

TEST(Api, ShowsNoSecretsOfTheConfiguration) {
  Observed gateway;
  const std::string text = dump(configuration_json(gateway.observe()));
  EXPECT_EQ(text.find("hunter2"), std::string::npos);
  EXPECT_NE(text.find("Authorization"), std::string::npos);
  EXPECT_NE(text.find("127.0.0.1:8443"), std::string::npos);
}

TEST(Api, ListsRoutesAndBackends) {
  Observed gateway;
  gateway.worker.route(gateway.slots.slot("shop")).by_class[4].add(2);
  const Json routes = routes_json(gateway.observe());
  ASSERT_EQ(routes.size(), 1U);
  EXPECT_EQ(routes[0]["action"], "backend app");
  EXPECT_EQ(routes[0]["requests"], 2);
  const Json backends = backends_json(gateway.observe());
  ASSERT_EQ(backends.size(), 1U);
  EXPECT_EQ(backends[0]["endpoints"][0]["address"], "192.0.2.1:3000");
}

TEST(StatusPage, EscapesEverythingThatIsNotItsOwn) {
  Observed gateway;
  certstore::CertificateStatus evil;
  evil.id = "<script>alert('1')</script>";
  evil.problem = "\"><img src=x>";
  gateway.seen.certificates.push_back(evil);
  gateway.seen.reloads.problems = {"<b>"};
  gateway.seen.reloads.last_refused = true;
  const std::string page = render_status_page(gateway.observe());
  EXPECT_EQ(page.find("<script"), std::string::npos);
  EXPECT_EQ(page.find("<img"), std::string::npos);
  EXPECT_EQ(page.find("<b>"), std::string::npos);
  EXPECT_NE(page.find("&lt;script&gt;"), std::string::npos);
}

TEST(StatusPage, NeedsNothingFromElsewhere) {
  Observed gateway;
  gateway.add_certificate("www.example.com");
  const std::string page = render_status_page(gateway.observe());
  for (const char* word : {"http://", "https://", "src=", "<script", "@import", "url("}) {
    EXPECT_EQ(page.find(word), std::string::npos) << word;
  }
  EXPECT_NE(page.find("www.example.com"), std::string::npos);
}

}  // namespace
}  // namespace app
