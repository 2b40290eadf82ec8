// A vault that is down for an hour: as a source, and as a mirror.
#include <atomic>
#include <map>
#include <mutex>

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "azure/key_vault_mirror.h"
#include "azure/key_vault_source.h"
#include "azure/mirror_loop.h"
#include "base/base64.h"
#include "tests/azure/azure_script.h"
#include "tests/azure/gateway_examples.h"
#include "tests/azure/outage.h"
#include "tests/support/mint.h"

namespace azure {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;
using Reply = test::AzureScript::Reply;
using Request = test::AzureScript::Request;
using What = MirrorState::What;

constexpr auto poll = 120s;
constexpr auto longest_interval = poll * 11 / 10;  // with its jitter

class VaultDownForAnHour : public testing::Test {
 protected:
  VaultDownForAnHour() {
    azure_.reply("GET /secrets", unless_down({.status = 401, .headers = {{"WWW-Authenticate", challenge}}}));
    azure_.reply("POST /tenant-1/oauth2/v2.0/token", [this](const Request&) {
      ++exchanges_;
      if (entra_down_) return entra_outage_.next();
      return Reply{.body = R"({"access_token":"token-1","expires_in":3600})"};
    });
    put_version(1);
  }
  ~VaultDownForAnHour() override {
    source_.reset();
    loop_.reset();
  }

  std::function<Reply(const Request&)> unless_down(Reply reply) {
    return [this, reply](const Request&) { return down_ ? outage_.next() : reply; };
  }
  void put_version(int number) {
    const std::string version = "app/v" + std::to_string(number);
    const auto minted = test::self_signed({.names = {"v" + std::to_string(number) + ".example.com"}});
    const json item{{"id", "https://v.vault.azure.net/certificates/" + version},
                    {"attributes", {{"enabled", true}, {"created", number}}}};
    azure_.reply("GET /certificates/app/versions",
                 unless_down({.body = json{{"value", json::array({item})}, {"nextLink", nullptr}}.dump()}));
    azure_.reply("GET /secrets/" + version,
                 unless_down({.body = json{{"value", minted.chain_pem() + minted.key_pem()}, {"kid", "k"}}.dump()}));
  }

  void follow() {
    config::KeyVaultCertificate config;
    config.vault = azure_.server.url("");
    config.name = "app";
    config.poll = poll;
    source_ = std::make_unique<KeyVaultSource>(azure_.services_at(time_.clock, time_.wait()), config,
                                               KeyVaultSource::Options{.wait = time_.wait()});
    source_->start([this](certstore::Change change) {
      const std::lock_guard lock(mutex_);
      gone_ += change.gone.size();
      for (const certstore::Candidate& candidate : change.candidates) {
        if (candidate.certificate) {
          served_ = candidate.certificate.value()->facts().dns_names.at(0);
          problem_.clear();
        } else {
          problem_ = candidate.certificate.error().what;
        }
      }
    });
  }
  // As the store has it: a candidate that failed leaves the last good one.
  std::string served() {
    const std::lock_guard lock(mutex_);
    return served_;
  }
  std::string problem() {
    const std::lock_guard lock(mutex_);
    return problem_;
  }
  // It has a newer version within one interval, and nothing is said against it.
  void expect_recovery(int version) {
    put_version(version);
    ASSERT_TRUE(time_.run_for(longest_interval));
    EXPECT_EQ(served(), "v" + std::to_string(version) + ".example.com");
    EXPECT_EQ(problem(), "");
    EXPECT_EQ(gone_, 0U);
    EXPECT_GE(source_->status().pause, poll * 9 / 10) << "as before";
  }

  static constexpr const char* challenge =
      R"(Bearer authorization="https://login.microsoftonline.com/t", resource="https://vault.azure.net")";
  test::SteppedTime time_;
  test::Outage outage_{time_};
  test::Outage entra_outage_{time_};
  std::atomic<bool> down_ = false;
  std::atomic<bool> entra_down_ = false;
  std::atomic<unsigned> exchanges_ = 0;
  test::AzureScript azure_;
  std::mutex mutex_;
  std::string served_;
  std::string problem_;
  std::size_t gone_ = 0;
  std::unique_ptr<KeyVaultSource> source_;
  std::unique_ptr<MirrorLoop> loop_;
};

TEST_F(VaultDownForAnHour, LeavesWhatWasReadAndIsAskedWithinTheBudget) {
  follow();
  ASSERT_TRUE(time_.run_for(5min));
  EXPECT_EQ(served(), "v1.example.com");
  down_ = true;
  const auto before = source_->status().rounds;
  ASSERT_TRUE(time_.run_for(1h));
  EXPECT_EQ(served(), "v1.example.com") << "the last good one stays";
  EXPECT_NE(problem(), "") << "and it is told";
  // After 5, 10, 20, 40, 80 s and then one each interval; each asks three times at most.
  const auto rounds = source_->status().rounds - before;
  EXPECT_GE(rounds, 15U);
  EXPECT_LE(rounds, 39U);
  EXPECT_GE(outage_.requests, rounds);
  EXPECT_LE(outage_.requests, 3 * rounds);
  down_ = false;
  expect_recovery(2);
}

TEST_F(VaultDownForAnHour, ThatRefusesConnectionsIsFoundWithinOneInterval) {
  follow();
  ASSERT_TRUE(time_.run_for(5min));
  const auto before = source_->status().rounds;
  azure_.server.go_away();
  ASSERT_TRUE(time_.run_for(1h));
  EXPECT_EQ(served(), "v1.example.com");
  EXPECT_TRUE(problem().contains("cannot be reached") || problem().contains("onnect")) << problem();
  const auto rounds = source_->status().rounds - before;
  EXPECT_GE(rounds, 25U);
  EXPECT_LE(rounds, 39U);
  azure_.server.come_back();
  expect_recovery(2);
}

TEST_F(VaultDownForAnHour, WithEntraAloneItsTokenServesUntilItsEnd) {
  follow();
  ASSERT_TRUE(time_.run_for(30min));
  EXPECT_EQ(exchanges_, 1U);
  entra_down_ = true;
  ASSERT_TRUE(time_.run_for(24min));
  EXPECT_EQ(exchanges_, 1U) << "nobody asks for another one yet";
  EXPECT_EQ(problem(), "");
  put_version(2);
  ASSERT_TRUE(time_.run_for(4min));
  EXPECT_EQ(served(), "v2.example.com") << "with the old token, while no newer one can be had";
  EXPECT_GT(exchanges_, 1U);
  ASSERT_TRUE(time_.run_for(2min));
  put_version(3);
  ASSERT_TRUE(time_.run_for(30min));
  EXPECT_EQ(served(), "v2.example.com");
  EXPECT_TRUE(problem().contains("token")) << problem();
  const auto rounds = source_->status().rounds;
  EXPECT_GE(exchanges_, 10U);
  EXPECT_LE(exchanges_, 3 * rounds + 1);
  entra_down_ = false;
  expect_recovery(4);
}

TEST_F(VaultDownForAnHour, WithAllElseIsFoundWithinOneInterval) {
  follow();
  ASSERT_TRUE(time_.run_for(57min));  // the token has to be asked for anew
  down_ = entra_down_ = true;
  ASSERT_TRUE(time_.run_for(30min));
  azure_.server.go_away();
  ASSERT_TRUE(time_.run_for(15min));
  azure_.server.come_back();
  ASSERT_TRUE(time_.run_for(15min));
  EXPECT_EQ(served(), "v1.example.com");
  EXPECT_GE(outage_.requests + entra_outage_.requests, 15U);
  EXPECT_LE(outage_.requests + entra_outage_.requests, 120U);
  down_ = entra_down_ = false;
  expect_recovery(2);
}

// ---- as a mirror

class VaultMirrorDownForAnHour : public VaultDownForAnHour {
 protected:
  VaultMirrorDownForAnHour() {
    azure_.reply("POST /certificates/www/import", [this](const Request& request) {
      if (down_) return outage_.next();
      return Reply{.body = imported(json::parse(request.body))};
    });
    loop_ = std::make_unique<MirrorLoop>(
        std::make_unique<KeyVaultMirror>(azure_.services_at(time_.clock, time_.wait()), azure_.server.url(""),
                                         config::AzureOtherIdentity{}),
        MirrorLoop::Options{.clock = time_.clock, .wait = time_.wait()});
    loop_->lead(true);
    want_new();
  }
  void want_new() {
    const auto minted = test::self_signed({.names = {"www.example.com"}});
    loop_->want({{"www.example.com", "www", MirrorItem::Named::by_us,
                  *certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem())}});
  }
  std::string imported(const json& asked) {
    const auto opened = certstore::Certificate::from_pfx(*base::from_base64(asked["value"].get<std::string>()),
                                                         asked["pwd"].get<std::string>());
    EXPECT_TRUE(opened);
    const std::string body =
        json{{"cer", base::to_base64(test::der_of((*opened)->material()->leaf.get()))}, {"tags", asked["tags"]}}.dump();
    azure_.reply("GET /certificates/www/", unless_down({.body = body}));
    return body;
  }
  MirrorState state() { return loop_->states().at(0); }
};

TEST_F(VaultMirrorDownForAnHour, SaysSinceWhenItIsBehindAndHasItWithinOneInterval) {
  ASSERT_TRUE(time_.run_for(1min));
  ASSERT_EQ(state().what, What::in_step);
  down_ = true;
  const base::SystemTime since = time_.clock.now();
  want_new();
  ASSERT_TRUE(time_.run_for(1h));
  EXPECT_EQ(state().what, What::behind);
  EXPECT_EQ(state().since, since) << "the lag grows";
  EXPECT_NE(state().problem, "");
  // After 30 s, 1, 2, 4, 8 and then at most 15 min; each asks three times at most.
  EXPECT_GE(outage_.requests, 8U);
  EXPECT_LE(outage_.requests, 3 * 14U);
  down_ = false;
  ASSERT_TRUE(time_.run_for(15min));
  EXPECT_EQ(state().what, What::in_step) << state().problem;
  EXPECT_EQ(azure_.count("POST /certificates/www/import"), 2U) << "never a version twice";
}

TEST_F(VaultMirrorDownForAnHour, StaysInStepWhereNothingHasChanged) {
  ASSERT_TRUE(time_.run_for(1min));
  down_ = true;
  ASSERT_TRUE(time_.run_for(1h));
  EXPECT_EQ(state().what, What::in_step) << "nobody knows of anything else";
  EXPECT_NE(state().problem, "") << "and that it cannot be looked at is told";
  EXPECT_GE(outage_.requests, 4U);
  EXPECT_LE(outage_.requests, 3 * 8U);
  down_ = false;
  ASSERT_TRUE(time_.run_for(15min));
  EXPECT_EQ(state().problem, "");
  EXPECT_EQ(azure_.count("POST /certificates/www/import"), 1U);
}

}  // namespace
}  // namespace azure
