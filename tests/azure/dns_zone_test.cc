#include "azure/dns_zone.h"

#include <functional>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "tests/azure/one_token.h"
#include "tests/support/scripted_server.h"

namespace azure {
namespace {

using nlohmann::json;
using Reply = test::ScriptedServer::Reply;
using Request = test::ScriptedServer::Request;
using std::chrono::milliseconds;

const std::string group = "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/dnsZones";

// Azure DNS as far as FACTS have it: record sets with etags, whose preconditions are checked.
class AzureDnsOfTests {
 public:
  std::map<std::string, std::string> sets;  // path without the query, to the body of a PUT
  std::map<std::string, unsigned> versions;
  std::vector<std::string> zones{"example.com", "sub.example.com", "ample.com"};
  std::function<void(const Request&)> before_write = {};
  std::function<std::optional<Reply>(const Request&)> fault = {};

  Reply answer(const Request& request) {
    if (fault) {
      if (auto reply = fault(request)) return *reply;
    }
    if (request.header("authorization") != "Bearer the-token") return {.status = 401};
    const std::string path = request.target.substr(0, request.target.find('?'));
    if (path == group) return list(request);
    if (request.target.substr(path.size()) != "?api-version=2018-05-01") return {.status = 400};
    if (request.method == "GET") return shown(path);
    if (before_write) before_write(request);
    return written(path, request);
  }
  void put(const std::string& path, const std::string& body) {
    sets[path] = body;
    ++versions[path];
  }
  std::set<std::string> values(const std::string& path) const {
    std::set<std::string> all;
    const auto found = sets.find(path);
    if (found == sets.end()) return all;
    const json body = json::parse(found->second);
    for (const json& record : body["properties"]["TXTRecords"]) all.insert(record["value"][0]);
    return all;
  }

 private:
  std::string etag(const std::string& path) { return fmt::format("etag-{}", versions[path]); }
  // One zone a page, an empty page at the end.
  Reply list(const Request& request) const {
    const std::size_t at = request.target.find("&page=");
    const std::size_t page = at == std::string::npos ? 0 : std::stoul(request.target.substr(at + 6));
    json body{{"value", json::array()}};
    if (page < zones.size()) {
      body["value"].push_back({{"id", group + "/" + zones[page]}, {"name", zones[page]}});
      body["nextLink"] = fmt::format("{}{}?api-version=2018-05-01&page={}", base_url, group, page + 1);
    }
    return {.body = body.dump()};
  }
  Reply shown(const std::string& path) {
    if (!sets.contains(path)) return {.status = 404, .body = R"({"error":{"code":"NotFound","message":"none"}})"};
    json body = json::parse(sets[path]);
    body["etag"] = etag(path);
    return {.body = body.dump()};
  }
  Reply written(const std::string& path, const Request& request) {
    const bool there = sets.contains(path);
    const std::string match = request.header("if-match");
    const std::string none = request.header("if-none-match");
    if (match.empty() == none.empty()) return {.status = 500, .body = "no precondition"};
    if ((none == "*" && there) || (!match.empty() && (!there || match != etag(path)))) {
      return {.status = 412, .body = R"({"error":{"code":"PreconditionFailed","message":"changed"}})"};
    }
    if (request.method == "DELETE") {
      sets.erase(path);
      return {};
    }
    put(path, request.body);
    return {.status = there ? 200U : 201U, .body = request.body};
  }

 public:
  std::string base_url;
};

class AzureDns : public testing::Test {
 protected:
  AzureDns() { service_.base_url = server_.url(""); }

  std::shared_ptr<acme::DnsZone> zone(const std::string& name = "", const std::string& resource_group = "g") {
    config::AzureDns config;
    config.subscription_id = "s";
    config.resource_group = resource_group;
    config.zone = name;
    auto client = std::make_shared<Client>(
        std::make_shared<test::OneToken>(),
        Client::Options{.clock = clock_, .wait = [this](milliseconds time, const std::stop_token&) {
                          waited_.push_back(time);
                          clock_.advance(time);
                          return true;
                        }});
    return make_dns_zone(
        client,
        {.config = config, .resource_manager = server_.url(""), .token = {.scope = "arm"}, .pause = milliseconds(1)});
  }
  unsigned sent(const std::string& method) const {
    unsigned count = 0;
    for (const Request& request : server_.requests()) count += request.method == method ? 1 : 0;
    return count;
  }

  base::FakeClock clock_{base::SystemTime(std::chrono::hours(24))};
  std::vector<milliseconds> waited_;
  AzureDnsOfTests service_;
  test::ScriptedServer server_{[this](const Request& request) { return service_.answer(request); }};
  const std::string www_ = group + "/example.com/TXT/_acme-challenge.www";
};

TEST_F(AzureDns, RefusesNamesThatCannotBeThere) {
  for (const char* name :
       {"", "a/../b.example.com", "a%2f.example.com", "a?.example.com", "a..example.com", ".example.com"}) {
    const auto added = zone()->add(name, "v", std::chrono::seconds(60), {});
    ASSERT_FALSE(added) << name;
    EXPECT_EQ(added.error().code, base::Code::invalid);
  }
  EXPECT_TRUE(server_.requests().empty());
}

TEST_F(AzureDns, SaysThatNoZoneIsThere) {
  const auto added = zone()->add("_acme-challenge.example.org", "v", std::chrono::seconds(60), {});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, base::Code::not_found);
  EXPECT_EQ(zone("example.com")->add("www.example.org", "v", std::chrono::seconds(60), {}).error().code,
            base::Code::invalid);
}

TEST_F(AzureDns, NamesTheRoleThatIsMissing) {
  service_.fault = [](const Request&) {
    return Reply{.status = 403, .body = R"({"error":{"code":"AuthorizationFailed","message":"no"}})"};
  };
  const auto added = zone("example.com")->add("_acme-challenge.www.example.com", "v", std::chrono::seconds(60), {});
  ASSERT_FALSE(added);
  EXPECT_NE(added.error().what.find("DNS Zone Contributor"), std::string::npos);
}

TEST_F(AzureDns, NeverFollowsAListToAnotherServer) {
  service_.base_url = "http://127.0.0.1.example.net";
  const auto added = zone()->add("_acme-challenge.www.example.com", "v", std::chrono::seconds(60), {});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().code, base::Code::protocol);
}

TEST_F(AzureDns, GivesUpWhereSomebodyChangesItAllTheTime) {
  service_.before_write = [&](const Request&) { service_.put(www_, R"({"properties":{"TTL":1,"TXTRecords":[]}})"); };
  const auto added = zone()->add("_acme-challenge.www.example.com", "v", std::chrono::seconds(60), {});
  ASSERT_FALSE(added);
  EXPECT_EQ(added.error().retry, base::Retry::later);
  EXPECT_EQ(sent("PUT"), 10U);
}

TEST_F(AzureDns, WaitsAsLongAsItIsTold) {
  unsigned busy = 2;
  service_.fault = [&](const Request& request) -> std::optional<Reply> {
    if (request.method != "PUT" || busy-- == 0) return std::nullopt;
    return Reply{.status = 429, .headers = {{"Retry-After", "7"}}};
  };
  ASSERT_TRUE(zone("example.com")->add("_acme-challenge.www.example.com", "v", std::chrono::seconds(60), {}));
  EXPECT_EQ(waited_, std::vector(2, milliseconds(7000)));
}

TEST_F(AzureDns, FindsTheZoneWithTheLongestName) {
  ASSERT_TRUE(zone()->add("_acme-challenge.a.sub.example.com", "v", std::chrono::seconds(60), {}));
  EXPECT_EQ(service_.values(group + "/sub.example.com/TXT/_acme-challenge.a"), std::set<std::string>{"v"});
  ASSERT_TRUE(zone()->add("Sub.Example.com", "w", std::chrono::seconds(60), {}));
  EXPECT_EQ(service_.values(group + "/sub.example.com/TXT/@"), std::set<std::string>{"w"});
}

TEST_F(AzureDns, KeepsApexAndWildcardInOneSet) {
  const auto dns = zone("example.com");
  const std::string owner = "_acme-challenge.www.example.com";
  ASSERT_TRUE(dns->add(owner, "apex", std::chrono::seconds(60), {}));
  ASSERT_TRUE(dns->add(owner, "wildcard", std::chrono::seconds(60), {}));
  EXPECT_EQ(service_.values(www_), (std::set<std::string>{"apex", "wildcard"}));
  ASSERT_TRUE(dns->add(owner, "apex", std::chrono::seconds(60), {})) << "there already";
  EXPECT_EQ(sent("PUT"), 2U);
  ASSERT_TRUE(dns->remove(owner, "apex", {}));
  EXPECT_EQ(service_.values(www_), std::set<std::string>{"wildcard"});
  ASSERT_TRUE(dns->remove(owner, "wildcard", {}));
  EXPECT_FALSE(service_.sets.contains(www_)) << "the last value takes the set along";
  ASSERT_TRUE(dns->remove(owner, "wildcard", {})) << "gone already";
  EXPECT_EQ(sent("DELETE"), 1U);
}

TEST_F(AzureDns, ReadsAgainWhereSomebodyWasFirst) {
  bool once = true;
  service_.before_write = [&](const Request&) {
    if (std::exchange(once, false)) {
      service_.put(www_, R"({"properties":{"TTL":9,"TXTRecords":[{"value":["theirs"]}]}})");
    }
  };
  ASSERT_TRUE(zone("example.com")->add("_acme-challenge.www.example.com", "v", std::chrono::seconds(60), {}));
  EXPECT_EQ(service_.values(www_), (std::set<std::string>{"theirs", "v"}));
  EXPECT_EQ(json::parse(service_.sets[www_])["properties"]["TTL"], 9) << "theirs";
}

TEST_F(AzureDns, TakesAnAnswerThatWasLostForWhatItWas) {
  bool once = true;
  service_.before_write = [&](const Request& request) {
    // Done, and the answer is an error all the same.
    if (std::exchange(once, false)) service_.put(www_, request.body);
  };
  ASSERT_TRUE(zone("example.com")->add("_acme-challenge.www.example.com", "v", std::chrono::seconds(60), {}));
  EXPECT_EQ(service_.values(www_), std::set<std::string>{"v"});
}

TEST_F(AzureDns, LosesNothingWhereManyWriteAtOnce) {
  {
    std::vector<std::jthread> writers;
    for (int i = 0; i < 4; ++i) {
      writers.emplace_back([&, i] {
        EXPECT_TRUE(zone("example.com")
                        ->add("_acme-challenge.www.example.com", std::to_string(i), std::chrono::seconds(60), {}));
      });
    }
  }
  EXPECT_EQ(service_.values(www_), (std::set<std::string>{"0", "1", "2", "3"}));
}

}  // namespace
}  // namespace azure
