// Azure DNS, or Entra beneath it, that does not do its work: an order gets a clear answer in time.
#include <atomic>

#include <gtest/gtest.h>

#include "azure/dns_zone.h"
#include "tests/azure/azure_script.h"
#include "tests/azure/outage.h"

namespace azure {
namespace {

using namespace std::chrono_literals;
using Reply = test::AzureScript::Reply;
using Request = test::AzureScript::Request;

constexpr auto longest_change = 120s;
constexpr auto longest_last_call = 60s;  // that began before the end

class AzureDnsDown : public testing::Test {
 protected:
  std::shared_ptr<acme::DnsZone> zone() {
    const auto services = azure_.services();
    config::AzureDns config;
    config.subscription_id = "s";
    config.resource_group = "g";
    return make_dns_zone(services->client, {.config = config,
                                            .resource_manager = services->endpoints.resource_manager,
                                            .token = {.scope = services->endpoints.resource_manager_scope},
                                            .wait = [this](std::chrono::milliseconds time, const std::stop_token&) {
                                              azure_.clock.advance(time);
                                              return true;
                                            }});
  }
  // Adds and removes a record: both fail with these words, in time.
  void expect_failure(std::string_view words, std::size_t most_requests) {
    for (const bool adds : {true, false}) {
      const auto began = azure_.clock.steady();
      const std::size_t before = azure_.server.requests().size();
      const auto done = adds ? zone()->add(owner, "v", 60s, {}) : zone()->remove(owner, "v", {});
      ASSERT_FALSE(done);
      EXPECT_TRUE(done.error().what.starts_with("Azure DNS: _acme-challenge.www.example.com: "));
      EXPECT_TRUE(done.error().what.contains(words)) << done.error().what;
      EXPECT_LE(azure_.clock.steady() - began, longest_change + longest_last_call);
      const std::size_t asked = azure_.server.requests().size() - before;
      EXPECT_GE(asked, 2U);
      EXPECT_LE(asked, most_requests);
    }
  }
  void all_answer(const Reply& reply) { azure_.reply("GET " + group, reply); }

  static constexpr const char* owner = "_acme-challenge.www.example.com";
  const std::string group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones";
  test::AzureScript azure_;
};

TEST_F(AzureDnsDown, IsAClearReasonInTimeWhateverTheFault) {
  all_answer({.status = 503});
  expect_failure("HTTP 503", 5);
  all_answer({.status = 503, .headers = {{"Retry-After", "5"}}});
  expect_failure("HTTP 503", 5);
  all_answer({.status = 429, .headers = {{"Retry-After", "600"}}, .body = R"({"error":{"code":"TooManyRequests"}})"});
  expect_failure("TooManyRequests", 5);
  all_answer({.fate = Reply::Fate::lost});
  expect_failure("Empty reply", 5);
}

TEST_F(AzureDnsDown, BeforeAnythingIsAnsweredTakesNoLongerThanItsDeadline) {
  azure_.reply("GET " + group, [this](const Request&) {
    azure_.clock.advance(60s);
    return Reply{.fate = Reply::Fate::lost};
  });
  expect_failure("", 5);
}

TEST_F(AzureDnsDown, WhoseListHasNoEndIsLeftAfterItsDeadline) {
  azure_.reply("GET " + group, [this](const Request&) {
    azure_.clock.advance(7s);
    return Reply{.body = R"({"value":[],"nextLink":")" + azure_.server.url(group) + R"("})"};
  });
  expect_failure("the list of zones does not come to its end", 20);
}

TEST_F(AzureDnsDown, WhereSomebodyElseIsAlwaysFasterIsLeftAfterItsDeadline) {
  azure_.reply("GET " + group,
               Reply{.body = R"({"value":[{"id":")" + group + R"(/example.com","name":"example.com"}]})"});
  const std::string record = group + "/example.com/TXT/_acme-challenge.www";
  azure_.reply("GET " + record, [this](const Request&) {
    azure_.clock.advance(20s);
    return Reply{.body = R"({"etag":"e","properties":{"TTL":60,"TXTRecords":[{"value":["v"]}]}})"};
  });
  azure_.reply("DELETE " + record, Reply{.status = 412});
  const auto began = azure_.clock.steady();
  const auto done = zone()->remove(owner, "v", {});
  ASSERT_FALSE(done);
  EXPECT_TRUE(done.error().what.contains("somebody else changes it all the time")) << done.error().what;
  EXPECT_GE(azure_.count("DELETE " + record), 5U);
  EXPECT_LE(azure_.count("DELETE " + record), 7U);
  EXPECT_LE(azure_.clock.steady() - began, longest_change + longest_last_call);
}

TEST_F(AzureDnsDown, WithEntraDownSaysSo) {
  azure_.reply("POST /tenant-1/oauth2/v2.0/token", Reply{.status = 503});
  for (unsigned tries = 0; tries < 2; ++tries) {
    const auto added = zone()->add(owner, "v", 60s, {});
    ASSERT_FALSE(added);
    EXPECT_TRUE(added.error().what.contains("token")) << added.error().what;
  }
  EXPECT_EQ(azure_.count("GET " + group), 0U);
  azure_.reply("POST /tenant-1/oauth2/v2.0/token", Reply{.status = 503, .headers = {{"Retry-After", "600"}}});
  EXPECT_FALSE(zone()->add(owner, "v", 60s, {}));
}

}  // namespace
}  // namespace azure
