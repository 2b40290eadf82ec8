#include "acme/order.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "acme/authorization.h"
#include "acme/directory.h"
#include "acme/server_url.h"

namespace acme {
namespace {

nlohmann::json order() {
  return {{"status", "pending"},
          {"expires", "2026-01-02T03:04:05Z"},
          {"identifiers", {{{"type", "dns"}, {"value", "*.a.example"}}}},
          {"authorizations", {"https://ca.example/authz/1"}},
          {"finalize", "https://ca.example/finalize/1"}};
}

nlohmann::json authorization(const nlohmann::json& challenge) {
  return {
      {"status", "pending"}, {"identifier", {{"type", "dns"}, {"value", "a.example"}}}, {"challenges", {challenge}}};
}

nlohmann::json challenge(const std::string& token) {
  return {{"type", "http-01"}, {"url", "https://ca.example/chall/1"}, {"status", "pending"}, {"token", token}};
}

constexpr const char* good_token = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA";

TEST(Order, RefusesWhatLeadsNowhere) {
  for (const char* member : {"status", "identifiers", "authorizations", "finalize"}) {
    auto json = order();
    json.erase(member);
    ASSERT_FALSE(order_from(json, "u")) << member;
    EXPECT_EQ(order_from(json, "u").error().code, base::Code::protocol);
  }
  auto json = order();
  json["status"] = "valid";
  EXPECT_FALSE(order_from(json, "u"));
  json = order();
  json["authorizations"][0] = "http://192.0.2.1/authz";
  EXPECT_FALSE(order_from(json, "u"));
}

TEST(Order, IsBounded) {
  auto json = order();
  for (int i = 0; i < 1000; ++i) json["authorizations"].push_back("https://ca.example/authz/" + std::to_string(i));
  EXPECT_FALSE(order_from(json, "u"));
}

TEST(Order, TellsItsErrorAndIdentifiers) {
  auto json = order();
  json["status"] = "invalid";
  json["error"] = {{"type", "urn:ietf:params:acme:error:caa"}, {"detail", "no"}};
  const auto read = order_from(json, "https://ca.example/order/1").value();
  EXPECT_EQ(to_string(read.status), "invalid");
  EXPECT_EQ(read.error->type, ProblemType::caa);
  EXPECT_TRUE(read.identifiers.at(0).wildcard());
  EXPECT_TRUE(read.expires);
}

TEST(NewOrder, NamesProfileAndPredecessorOnlyIfTheyAreThere) {
  NewOrder wanted{.identifiers = identifiers_of({"a.example", "192.0.2.1"})};
  EXPECT_EQ(to_json(wanted).dump(),
            R"({"identifiers":[{"type":"dns","value":"a.example"},{"type":"ip","value":"192.0.2.1"}]})");
  wanted.profile = "shortlived";
  wanted.replaces = "a.b";
  EXPECT_EQ(to_json(wanted)["profile"], "shortlived");
  EXPECT_EQ(to_json(wanted)["replaces"], "a.b");
}

TEST(Authorization, RefusesATokenThatCouldLeaveItsFolder) {
  for (const std::string& token : {std::string("../../../../etc/passwd.."), std::string("short"),
                                   std::string(good_token) + "\r\n", std::string(201, 'a')}) {
    EXPECT_FALSE(authorization_from(authorization(challenge(token)), "u")) << token;
  }
}

TEST(Authorization, LeavesChallengesAloneThatItDoesNotKnow) {
  auto json = authorization({{"type", "telepathy-01"}, {"whatever", 1}});
  json["challenges"].push_back(challenge(good_token));
  const auto read = authorization_from(json, "u").value();
  EXPECT_EQ(read.challenges.size(), 2U);
  EXPECT_EQ(read.challenges[0].type_name, "telepathy-01");
  ASSERT_NE(read.challenge(config::ChallengeType::http01), nullptr);
  EXPECT_EQ(read.challenge(config::ChallengeType::http01)->token, good_token);
  EXPECT_EQ(read.challenge(config::ChallengeType::dns01), nullptr);
}

TEST(Authorization, TakesIssuerNamesInsteadOfATokenForARecordThatStays) {
  nlohmann::json persist{{"type", "dns-persist-01"}, {"url", "https://ca.example/chall/2"}, {"status", "pending"}};
  EXPECT_FALSE(authorization_from(authorization(persist), "u"));
  persist["issuer-domain-names"] = {"ca.example; policy=wildcard"};
  EXPECT_FALSE(authorization_from(authorization(persist), "u"));
  persist["issuer-domain-names"] = {"CA.example"};
  EXPECT_EQ(authorization_from(authorization(persist), "u")->challenges[0].issuer_domain_names.at(0), "ca.example");
}

TEST(Directory, NeedsTheFirstThreeOperations) {
  const nlohmann::json whole{{"newNonce", "https://ca.example/n"},
                             {"newAccount", "https://ca.example/a"},
                             {"newOrder", "https://ca.example/o"},
                             {"meta",
                              {{"externalAccountRequired", true},
                               {"caaIdentities", {"ca.example", 1}},
                               {"profiles", {{"classic", "https://ca.example/c"}, {"odd\n", "x"}, {"no", 1}}}}}};
  for (const char* member : {"newNonce", "newAccount", "newOrder"}) {
    auto json = whole;
    json[member] = "ftp://ca.example/";
    EXPECT_FALSE(directory_from(json)) << member;
  }
  const auto read = directory_from(whole).value();
  EXPECT_TRUE(read.external_account_required);
  EXPECT_EQ(read.caa_identities, std::vector<std::string>{"ca.example"});
  EXPECT_EQ(read.profiles.size(), 1U);
  EXPECT_TRUE(read.renewal_info.empty());
}

TEST(ServerUrl, LeadsToTheServerOrToThisMachine) {
  for (const char* url : {"https://ca.example/x?y=1", "https://192.0.2.1:14000/", "http://localhost:1/",
                          "http://[::1]/", "http://127.0.0.1:8080/dir"}) {
    EXPECT_TRUE(is_server_url(url)) << url;
  }
  for (const char* url :
       {"", "https://", "https:///x", "ftp://ca.example/", "http://ca.example/", "http://127.0.0.1@ca.example/",
        "http://127.0.0.1\\@ca.example/", "http://localhost.ca.example/", "https://ca.example/a b",
        "https://ca.example/\n", "http://[::1/"}) {
    EXPECT_FALSE(is_server_url(url)) << url;
  }
  EXPECT_TRUE(leads_to_loopback("https://localhost:14000/dir"));
  EXPECT_FALSE(leads_to_loopback("https://ca.example/"));
}

}  // namespace
}  // namespace acme
