#include "azure/gateway_mirror.h"

#include <algorithm>
#include <memory>
#include <random>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "tests/azure/one_token.h"
#include "tests/azure/scripted_gateway.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using Reply = test::ScriptedServer::Reply;
using Request = test::ScriptedServer::Request;
using Json = test::ScriptedGateway::Json;
using What = MirrorState::What;

class GatewayMirrors : public testing::Test {
 protected:
  GatewayMirrors() {
    gateway_.base_url = server_.url("");
    options_ = {.resource_manager = server_.url(""),
                .resource_id = test::gateway_id,
                .token = {.scope = "arm"},
                .vault = {},
                .listeners = {},
                .name_prefix = "sekisho-",
                .wait = wait()};
    item_ = item("www.example.com");
  }
  static MirrorItem item(const std::string& host) {
    const auto minted = test::self_signed({.names = {host}});
    return {host, "sekisho-" + host, MirrorItem::Named::by_us,
            *certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem())};
  }
  Client::Wait wait() {
    return [this](milliseconds time, const std::stop_token&) {
      waits_.push_back(time);
      clock_.advance(time);
      return true;
    };
  }
  GatewayMirror& mirror() {
    if (!mirror_) {
      auto client = std::make_shared<Client>(std::make_shared<test::OneToken>(),
                                             Client::Options{.clock = clock_, .wait = wait()});
      mirror_ = std::make_unique<GatewayMirror>(client, options_);
    }
    return *mirror_;
  }
  MirrorOutcome reconcile() { return mirror().reconcile({item_}, {}); }
  MirrorOutcome::Finding found(const MirrorOutcome& outcome) const {
    const auto finding = outcome.items.find(item_.name);
    return finding == outcome.items.end() ? MirrorOutcome::Finding{} : finding->second;
  }
  void expect_arrived(const MirrorOutcome& outcome) {
    EXPECT_EQ(found(outcome).what, What::in_step) << found(outcome).problem;
    EXPECT_EQ(found(outcome).problem, "");
    EXPECT_EQ(gateway_.fingerprint(item_.name), item_.certificate->fingerprint());
    EXPECT_NE(gateway_.find("theirs"), nullptr);
  }
  base::FakeClock clock_{base::SystemTime(std::chrono::hours(24))};
  std::vector<milliseconds> waits_;
  test::ScriptedGateway gateway_;
  test::ScriptedServer server_{[this](const Request& request) { return gateway_.answer(request); }};
  GatewayMirror::Options options_;
  MirrorItem item_;
  std::unique_ptr<GatewayMirror> mirror_;
  bool acted_ = false;
};

TEST_F(GatewayMirrors, SayWhichRightsAreMissing) {
  gateway_.fault = [](const Request&) {
    return Reply{.status = 403, .body = R"({"error":{"code":"AuthorizationFailed","message":"no"}})"};
  };
  const auto finding = found(reconcile());
  EXPECT_EQ(finding.what, What::refused);
  EXPECT_NE(finding.problem.find("Network Contributor"), std::string::npos);
}

TEST_F(GatewayMirrors, AreBehindWhileArmIsAway) {
  gateway_.fault = [](const Request&) { return Reply{.status = 503}; };
  EXPECT_EQ(found(reconcile()).what, What::behind);
  EXPECT_EQ(gateway_.puts, 0U);
}

TEST_F(GatewayMirrors, NeverStartAGateway) {
  gateway_.document["properties"]["operationalState"] = "Stopped";
  const auto finding = found(reconcile());
  EXPECT_EQ(finding.what, What::refused);
  EXPECT_NE(finding.problem.find("stopped"), std::string::npos);
  EXPECT_EQ(gateway_.puts, 0U);
}

TEST_F(GatewayMirrors, WaitForTheOperationsOfOthers) {
  gateway_.document["properties"]["provisioningState"] = "Updating";
  const auto outcome = reconcile();
  EXPECT_EQ(found(outcome).what, What::behind);
  EXPECT_TRUE(outcome.again);
  EXPECT_EQ(gateway_.puts, 0U);
}

TEST_F(GatewayMirrors, TellWhyAWriteWasRefused) {
  gateway_.fails_with = "ApplicationGatewaySslCertificateDataInvalid";
  const auto finding = found(reconcile());
  EXPECT_NE(finding.problem.find("ApplicationGatewaySslCertificateDataInvalid"), std::string::npos);
  EXPECT_EQ(gateway_.puts, 1U) << "it is not tried again at once";
  gateway_.fails_with.clear();
  expect_arrived(reconcile());
  EXPECT_EQ(gateway_.puts, 2U) << "it was shown, and not served";
}

TEST_F(GatewayMirrors, MendWhatAnotherProcessHasLeftFailed) {
  gateway_.fails_with = "ApplicationGatewaySslCertificateDataInvalid";
  (void)reconcile();
  mirror_.reset();  // the process is another
  gateway_.fails_with.clear();
  expect_arrived(reconcile());
  EXPECT_EQ(gateway_.puts, 2U);
  // Of somebody else, and soon after.
  gateway_.document["properties"]["provisioningState"] = "Failed";
  EXPECT_EQ(found(reconcile()).what, What::behind);
  EXPECT_EQ(gateway_.puts, 2U) << "not all the time";
  clock_.advance(options_.mend_again);
  expect_arrived(reconcile());
  EXPECT_EQ(gateway_.puts, 3U);
}

TEST_F(GatewayMirrors, MendBesideOneThatIsTooLarge) {
  gateway_.fails_with = "ApplicationGatewaySslCertificateDataInvalid";
  (void)reconcile();
  gateway_.fails_with.clear();
  std::vector<std::string> names;
  for (int i = 0; i < 400; ++i) names.push_back(fmt::format("name-{}.of-some-department.large.example.com", i));
  const auto minted = test::self_signed({.names = names});
  const MirrorItem large{"large", "sekisho-large", MirrorItem::Named::by_us,
                         *certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem())};
  const auto outcome = mirror().reconcile({large, item_}, {});
  EXPECT_EQ(outcome.items.at("sekisho-large").what, What::refused);
  EXPECT_NE(outcome.items.at("sekisho-large").problem.find("bytes long as a PFX"), std::string::npos);
  expect_arrived(outcome);
  EXPECT_EQ(gateway_.puts, 2U);
  EXPECT_EQ(gateway_.find("sekisho-large"), nullptr);
}

TEST_F(GatewayMirrors, DoNotBelieveWhatIsShownDuringAnOperation) {
  expect_arrived(reconcile());
  gateway_.document["properties"]["provisioningState"] = "Updating";
  mirror_.reset();
  const auto outcome = reconcile();
  EXPECT_EQ(found(outcome).what, What::behind) << "it may be what was asked for, and fail yet";
  EXPECT_TRUE(found(outcome).as_before) << "who knew it to be there need not doubt it";
  EXPECT_TRUE(outcome.again);
}

TEST_F(GatewayMirrors, AreBehindWhileAListenerIsNotLedToThem) {
  expect_arrived(reconcile());
  options_.listeners = {"l"};
  mirror_.reset();
  gateway_.document["properties"]["httpListeners"] =
      Json::array({test::gateway_listener("l", "www.example.com", "theirs")});
  gateway_.document["properties"]["operationalState"] = "Stopped";
  const auto finding = found(reconcile());
  EXPECT_EQ(finding.what, What::refused);
  EXPECT_NE(finding.problem.find("stopped"), std::string::npos);
}

TEST_F(GatewayMirrors, LeaveAloneWhatIsRefused) {
  options_.prune_after = std::chrono::hours(1);
  MirrorItem refused = item("shop.example.com");
  refused.refusal = "it expired";
  const MirrorItem typo{.certificate_name = "typo", .name = "sekisho-typo", .refusal = "there is none"};
  for (const std::string& name : {refused.name, typo.name}) {
    gateway_.document["properties"]["sslCertificates"].push_back(test::gateway_certificate(name, "*****"));
  }
  for (int i = 0; i < 2; ++i) {
    expect_arrived(mirror().reconcile({refused, typo, item_}, {}));
    EXPECT_EQ(gateway_.fingerprint(refused.name), "");
    EXPECT_NE(gateway_.find(refused.name), nullptr) << "not pruned either";
    EXPECT_NE(gateway_.find(typo.name), nullptr);
    clock_.advance(std::chrono::hours(2));
  }
}

TEST_F(GatewayMirrors, WriteNothingAfterTheyWereToldToStop) {
  std::stop_source stop;
  gateway_.before = [&](const Request& request) {
    if (request.method == "GET") stop.request_stop();
  };
  (void)mirror().reconcile({item_}, stop.get_token());
  EXPECT_EQ(gateway_.puts, 0U);
}

TEST_F(GatewayMirrors, FollowAnOperationInAnotherSpelling) {
  options_.resource_manager = "http://LOCALHOST" + server_.url("").substr(server_.url("").rfind(':'));
  gateway_.base_url = "http://localhost" + server_.url("").substr(server_.url("").rfind(':'));
  gateway_.fails_with = "ApplicationGatewaySslCertificateDataInvalid";
  EXPECT_NE(found(reconcile()).problem.find("DataInvalid"), std::string::npos);
}

TEST_F(GatewayMirrors, FollowAnOperationToNoOtherServer) {
  gateway_.base_url = "http://127.0.0.1.example.net";
  expect_arrived(reconcile());  // by looking what is there
  for (const Request& request : server_.requests()) EXPECT_FALSE(request.target.starts_with("/operations/"));
}

TEST_F(GatewayMirrors, WriteOnceAndLookWhetherItIsThere) {
  expect_arrived(reconcile());
  EXPECT_EQ(gateway_.puts, 1U);
  EXPECT_EQ(waits_, (std::vector<milliseconds>{milliseconds(3000), milliseconds(5000), milliseconds(5000)}))
      << "as the server says";
  expect_arrived(reconcile());
  EXPECT_EQ(gateway_.puts, 1U) << "nothing is to be done";
  const auto minted = test::self_signed({.names = {"www.example.com"}});
  item_.certificate = *certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem());
  expect_arrived(reconcile());
  EXPECT_EQ(gateway_.puts, 2U);
}

TEST_F(GatewayMirrors, BelieveTheirWriteWhereTheGatewayShowsNothing) {
  gateway_.shows_certificates = false;
  EXPECT_EQ(found(reconcile()).what, What::in_step);
  EXPECT_EQ(found(reconcile()).what, What::in_step);
  EXPECT_EQ(gateway_.puts, 1U);
}

TEST_F(GatewayMirrors, BeginAnewWhereAnotherWasFaster) {
  gateway_.polls_until_done = 3;
  gateway_.before = [this](const Request& request) {
    if (!request.target.starts_with("/operations/") || std::exchange(acted_, true)) return;
    // From what it had read before: ours is gone with it.
    gateway_.write_beside([](Json& document) {
      document =
          test::gateway_with({test::gateway_certificate("theirs", "*****"), test::gateway_certificate("new", "*****")});
    });
  };
  expect_arrived(reconcile());
  EXPECT_NE(gateway_.find("new"), nullptr) << "a body from before would have rolled it back";
  EXPECT_EQ(gateway_.puts, 2U);
}

struct Refusal {
  unsigned status;
  const char* code;
};

TEST_F(GatewayMirrors, BuildAnewAfterARefusalThatPasses) {
  for (const Refusal& refusal : {Refusal{429, "RetryableError"}, {409, "Conflict"}, {503, "ServerBusy"}, {0, ""}}) {
    acted_ = false;
    mirror_.reset();
    gateway_.document = test::gateway_with({test::gateway_certificate("theirs", "*****")});
    gateway_.fault = [&](const Request& request) -> std::optional<Reply> {
      if (request.method != "PUT" || std::exchange(acted_, true)) return std::nullopt;
      gateway_.document["properties"]["sslCertificates"].push_back(test::gateway_certificate("new", "*****"));
      if (refusal.status == 0) return Reply{.fate = Reply::Fate::lost};
      return Reply{.status = refusal.status,
                   .headers = {{"Retry-After", "20"}},
                   .body = fmt::format(R"({{"error":{{"code":"{}","message":"busy"}}}})", refusal.code)};
    };
    expect_arrived(reconcile());
    EXPECT_NE(gateway_.find("new"), nullptr) << refusal.status;
  }
}

TEST_F(GatewayMirrors, LookWhatALostAnswerMeant) {
  gateway_.fault = [this](const Request& request) -> std::optional<Reply> {
    if (request.method != "PUT" || std::exchange(acted_, true)) return std::nullopt;
    (void)gateway_.answer(request);
    return Reply{.fate = Reply::Fate::lost};
  };
  expect_arrived(reconcile());
  EXPECT_EQ(gateway_.puts, 1U);
}

TEST_F(GatewayMirrors, StandBackFromAnotherThatTakesItAwayAllTheTime) {
  gateway_.document["tags"] = {{"managed-by-k8s-ingress", "1.7.2"}};
  MirrorOutcome outcome;
  unsigned rounds = 0;
  for (; rounds < 10; ++rounds) {
    outcome = reconcile();
    if (found(outcome).what == What::refused) break;
    gateway_.write_beside([](Json& document) {
      document["properties"]["sslCertificates"] = Json::array({test::gateway_certificate("theirs", "*****")});
    });
    clock_.advance(std::chrono::minutes(1));
  }
  EXPECT_EQ(rounds, 3U);
  EXPECT_NE(found(outcome).problem.find("AGIC"), std::string::npos);
  EXPECT_NE(found(outcome).problem.find("appgw-ssl-certificate"), std::string::npos);
  ASSERT_TRUE(outcome.again);
  EXPECT_GE(*outcome.again, std::chrono::minutes(30));
  const unsigned before = gateway_.puts;
  clock_.advance(std::chrono::hours(2));
  expect_arrived(reconcile());
  EXPECT_EQ(gateway_.puts, before + 1) << "it is tried again";
}

TEST_F(GatewayMirrors, PruneAfterAWhile) {
  options_.prune_after = std::chrono::hours(24);
  gateway_.document["properties"]["sslCertificates"].push_back(test::gateway_certificate("sekisho-old", "*****"));
  expect_arrived(reconcile());
  EXPECT_NE(gateway_.find("sekisho-old"), nullptr);
  clock_.advance(std::chrono::hours(25));
  expect_arrived(reconcile());
  EXPECT_EQ(gateway_.find("sekisho-old"), nullptr);
}

TEST_F(GatewayMirrors, AskTheListenerWhatItShows) {
  options_.listeners = {"l"};
  options_.only = item_.name;
  gateway_.document["properties"]["httpListeners"] = Json::array({test::gateway_listener("l", "", "theirs")});
  std::string shown = "another";
  options_.probe = [&](const std::string& host, const std::stop_token&) -> base::Result<std::string> {
    EXPECT_EQ(host, "www.example.com");
    if (shown.empty()) return base::fail(base::Code::unreachable, "no way");
    return shown;
  };
  EXPECT_EQ(found(reconcile()).what, What::behind);
  shown = item_.certificate->fingerprint();
  expect_arrived(reconcile());
  shown.clear();
  EXPECT_EQ(found(reconcile()).what, What::in_step);
  EXPECT_NE(found(reconcile()).problem.find("could not be asked"), std::string::npos);
}

TEST_F(GatewayMirrors, HastenAGatewayOnceAnAttempt) {
  options_.vault = "https://v.vault.azure.net";
  Json element = test::gateway_certificate(item_.name, test::public_data(test::self_signed({.names = {"old"}})));
  element["properties"]["keyVaultSecretId"] = "https://v.vault.azure.net/secrets/" + item_.name;
  gateway_.document["properties"]["sslCertificates"].push_back(element);
  const auto finding = found(reconcile());
  EXPECT_EQ(finding.what, What::behind);
  EXPECT_NE(finding.problem.find("vault"), std::string::npos);
  EXPECT_EQ(gateway_.puts, 1U);
}

// Issue: "two writers on one gateway, a hundred random interleavings with faults: nothing of the other's is ever lost,
// ours arrives".
TEST_F(GatewayMirrors, LoseNothingOfAnotherWriterAndArrive) {
  for (unsigned seed = 0; seed < 100; ++seed) {
    std::minstd_rand random(seed + 1);
    const auto chance = [&](int percent) { return static_cast<int>(random() % 100) < percent; };
    std::vector<std::string> theirs;
    unsigned acts = 0;
    gateway_.document = test::gateway_with({test::gateway_certificate("theirs", "*****")});
    gateway_.fault = [&](const Request&) -> std::optional<Reply> {
      if (acts > 6 || !chance(15)) return std::nullopt;
      ++acts;
      constexpr std::array statuses{429U, 500U, 503U, 409U};
      const unsigned status = statuses[random() % statuses.size()];
      return chance(30) ? Reply{.fate = Reply::Fate::lost} : Reply{.status = status};
    };
    // A writer with good manners adds to what is there; what it adds between our GET and our PUT is what ARM lets us
    // roll back, and nobody can help: such a writer puts it there again when it looks the next time.
    gateway_.before = [&](const Request& request) {
      if (request.method == "PUT" || acts > 6 || !chance(25)) return;
      ++acts;
      theirs.push_back(fmt::format("theirs-{}", theirs.size()));
      gateway_.write_beside([&](Json& document) {
        for (const std::string& name : theirs) {
          if (gateway_.find(name) == nullptr) {
            document["properties"]["sslCertificates"].push_back(test::gateway_certificate(name, "*****"));
          }
        }
      });
    };
    MirrorOutcome outcome;
    mirror_.reset();
    for (int attempt = 0; attempt < 20; ++attempt) {
      outcome = reconcile();
      if (found(outcome).what == What::in_step) break;
      clock_.advance(std::chrono::minutes(30));
    }
    expect_arrived(outcome);
    for (const std::string& name : theirs) EXPECT_NE(gateway_.find(name), nullptr) << "seed " << seed << ": " << name;
  }
}

}  // namespace
}  // namespace azure
