#include "acme/client.h"

#include <gtest/gtest.h>

#include <thread>

#include "tests/acme/ca_script.h"
#include "tests/support/mint.h"

namespace acme {
namespace {

using std::chrono::seconds;
using test::CaScript;
using Fate = CaScript::Reply::Fate;

class AcmeClient : public testing::Test {
 protected:
  static constexpr auto today = std::chrono::sys_days(std::chrono::year(2026) / 3 / 1);

  nlohmann::json order_json(const std::string& status) const {
    return {{"status", status},
            {"identifiers", {{{"type", "dns"}, {"value", "a.example"}}}},
            {"authorizations", {ca_.url("/authz")}},
            {"finalize", ca_.url("/finalize")},
            {"certificate", ca_.url("/cert")}};
  }
  CaScript::Reply created_order() const {
    return {.status = 201, .headers = {{"Location", ca_.url("/order/1")}}, .body = order_json("pending").dump()};
  }
  Signer signer() const { return {key_, ca_.url("/account/1")}; }
  Outcome<Order> new_order() { return client_.new_order(signer(), {.identifiers = identifiers_of({"a.example"})}, {}); }

  CaScript ca_;
  base::FakeClock clock_{today};
  AccountKey key_ = *AccountKey::make();
  std::vector<std::string> seen_;
  Client client_{{.directory_url = ca_.url("/dir"), .timeout = seconds(20)}, clock_, [this](const auto& exchange) {
                   seen_.push_back(std::string(exchange.operation) + ' ' + std::to_string(exchange.status) + ' ' +
                                   std::string(exchange.problem));
                 }};
};

TEST_F(AcmeClient, RefusesPlainHttpToAnotherMachine) {
  Client client({.directory_url = "http://192.0.2.1/dir"}, clock_);
  const auto answer = client.directory({});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, base::Code::protocol);
}

TEST_F(AcmeClient, RefusesADirectoryThatIsNotJson) {
  ca_.on("/dir", {.headers = {{"Content-Type", "application/json"}}, .body = "{\"newNonce\":"});
  const auto answer = client_.directory({});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, base::Code::protocol);
  EXPECT_FALSE(answer.error().problem);
}

TEST_F(AcmeClient, RefusesAnAnswerThatIsTooLarge) {
  ca_.on("/dir", {.body = std::string((1U << 20U) + 1, ' ')});
  const auto answer = client_.directory({});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, base::Code::too_large);
}

TEST_F(AcmeClient, TakesThePageOfAGatewayForNoWordOfTheCa) {
  ca_.on(
      "/order",
      {.status = 503, .headers = {{"Content-Type", "text/html"}, {"Retry-After", "120"}}, .body = "<html>busy</html>"});
  const auto answer = new_order();
  ASSERT_FALSE(answer);
  EXPECT_FALSE(answer.error().problem);
  EXPECT_EQ(answer.error().error.code, base::Code::overloaded);
  EXPECT_EQ(answer.error().not_before, today + seconds(120));
  EXPECT_EQ(ca_.requests("/order").size(), 1U);
}

TEST_F(AcmeClient, TakesARetryAfterDateByTheClockOfTheServer) {
  ca_.problem("/order", 429, "rateLimited",
              {{"Date", "Sun, 01 Mar 2026 05:00:00 GMT"}, {"Retry-After", "Sun, 01 Mar 2026 06:00:00 GMT"}});
  const auto answer = new_order();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().problem->type, ProblemType::rate_limited);
  EXPECT_EQ(answer.error().not_before, today + std::chrono::hours(1));
  EXPECT_TRUE(answer.error().mends_itself());
}

TEST_F(AcmeClient, TellsWhichNameAProblemIsOf) {
  const nlohmann::json problem{{"type", "urn:ietf:params:acme:error:compound"},
                               {"detail", "some"},
                               {"subproblems",
                                {{{"type", "urn:ietf:params:acme:error:caa"},
                                  {"detail", "forbidden\x1b[2J"},
                                  {"identifier", {{"type", "dns"}, {"value", "a.example"}}}}}}};
  ca_.json("/order", problem, 403);
  const auto answer = new_order();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.what, "newOrder: compound: some; caa: a.example: forbidden?[2J");
  EXPECT_FALSE(answer.error().mends_itself());
}

TEST_F(AcmeClient, GivesUpAfterEightRefusedNonces) {
  ca_.problem("/order", 400, "badNonce");
  const auto answer = new_order();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().problem->type, ProblemType::bad_nonce);
  EXPECT_EQ(ca_.requests("/order").size(), 9U);
  EXPECT_EQ(ca_.requests("/nonce").size(), 1U);
}

TEST_F(AcmeClient, TriesAgainWithTheNonceThatCameWithTheError) {
  ca_.problem("/order", 400, "badNonce");
  ca_.on("/order", created_order());
  const auto answer = new_order();
  ASSERT_TRUE(answer) << answer.error().error.what;
  EXPECT_EQ(answer->url, ca_.url("/order/1"));
  const auto requests = ca_.requests("/order");
  ASSERT_EQ(requests.size(), 2U);
  EXPECT_EQ(CaScript::header_of(requests[0])["nonce"], base::to_base64url("nonce1"));
  EXPECT_EQ(CaScript::header_of(requests[1])["nonce"], base::to_base64url("nonce2"));
  EXPECT_EQ(CaScript::header_of(requests[1])["kid"], ca_.url("/account/1"));
  EXPECT_EQ(CaScript::header_of(requests[1])["url"], ca_.url("/order"));
  const std::vector<std::string> expected{"directory 200 ", "newNonce 200 ", "newOrder 400 badNonce", "newOrder 201 "};
  EXPECT_EQ(seen_, expected);
}

TEST_F(AcmeClient, NeverOrdersTwiceWhenTheAnswerIsLost) {
  ca_.on("/order", {.fate = Fate::lost});
  const auto answer = new_order();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, base::Code::closed);
  EXPECT_EQ(ca_.requests("/order").size(), 1U);
}

TEST_F(AcmeClient, NeverOrdersTwiceWhenAKeptConnectionEnds) {
  ca_.on("/order", created_order());
  ca_.on("/order", {.fate = Fate::lost});
  ASSERT_TRUE(new_order());
  EXPECT_FALSE(new_order());
  EXPECT_EQ(ca_.requests("/order").size(), 2U);
}

TEST_F(AcmeClient, AsksAgainForWhatItOnlyReads) {
  ca_.on("/order/1", {.fate = Fate::lost});
  ca_.on("/order/1", {.headers = {{"Retry-After", "7"}}, .body = order_json("processing").dump()});
  const auto answer = client_.order(signer(), ca_.url("/order/1"), {});
  ASSERT_TRUE(answer) << answer.error().error.what;
  EXPECT_EQ(answer->value.status, Order::Status::processing);
  EXPECT_EQ(answer->retry_after, seconds(7));
  // RFC 8555 §6.3: POST-as-GET has an empty payload.
  EXPECT_EQ(nlohmann::json::parse(ca_.requests("/order/1").back().body)["payload"], "");
}

TEST_F(AcmeClient, BoundsHowLongItIsToldToWait) {
  ca_.on("/order/1", {.headers = {{"Retry-After", "99999999999999999999"}}, .body = order_json("processing").dump()});
  const auto answer = client_.order(signer(), ca_.url("/order/1"), {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->retry_after, std::chrono::hours(24));
}

TEST_F(AcmeClient, RefusesAnOrderWithoutALocation) {
  ca_.json("/order", order_json("pending"), 201);
  const auto answer = new_order();
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, base::Code::protocol);
}

TEST_F(AcmeClient, StopsWhenAskedTo) {
  std::stop_source stop;
  stop.request_stop();
  const auto answer = client_.directory(stop.get_token());
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.code, base::Code::cancelled);
}

TEST_F(AcmeClient, RefusesAChainWithAPrivateKeyInIt) {
  const auto minted = test::Authority("Root").issue({.names = {"a.example"}});
  ca_.on("/cert", {.headers = {{"Content-Type", "application/pem-certificate-chain"}},
                   .body = minted.chain_pem() + minted.key_pem()});
  const auto answer = client_.download(signer(), ca_.url("/cert"), {});
  ASSERT_FALSE(answer);
  EXPECT_EQ(answer.error().error.what, "certificate: the chain holds a private key");
}

TEST_F(AcmeClient, RefusesAPageInsteadOfAChain) {
  ca_.on("/cert", {.headers = {{"Content-Type", "text/html; charset=utf-8"}}, .body = "<html>"});
  EXPECT_FALSE(client_.download(signer(), ca_.url("/cert"), {}));
}

TEST_F(AcmeClient, FindsTheOtherChainsOfACertificate) {
  const auto minted = test::Authority("Root").intermediate("Issuing").issue({.names = {"a.example"}});
  ca_.on("/cert", {.headers = {{"Content-Type", "application/pem-certificate-chain"},
                               {"Link", '<' + ca_.url("/dir") + ">;rel=\"index\""},
                               {"Link", '<' + ca_.url("/cert/1") + ">; rel=\"alternate\", <" + ca_.url("/cert/2") +
                                            ">;title=x ; rel=alternate, <http://192.0.2.1/3>;rel=\"alternate\""}},
                   .body = "a comment\n" + minted.chain_pem()});
  const auto answer = client_.download(signer(), ca_.url("/cert"), {});
  ASSERT_TRUE(answer) << answer.error().error.what;
  EXPECT_EQ(answer->pem, minted.chain_pem());
  const std::vector<std::string> expected{ca_.url("/cert/1"), ca_.url("/cert/2")};
  EXPECT_EQ(answer->alternates, expected);
}

TEST_F(AcmeClient, FollowsTheListOfOrdersButNotForEver) {
  ca_.on("/orders", {.headers = {{"Link", '<' + ca_.url("/orders") + ">;rel=\"next\""}},
                     .body = nlohmann::json{{"orders", {ca_.url("/order/1"), "ftp://x"}}}.dump()});
  Account account;
  account.orders = ca_.url("/orders");
  const auto answer = client_.orders(signer(), account, {});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->size(), 100U);
  EXPECT_EQ(ca_.requests("/orders").size(), 100U);
}

TEST_F(AcmeClient, MakesAnAccountWithTheKeyItself) {
  ca_.on("/account", {.status = 201,
                      .headers = {{"Location", ca_.url("/account/1")}},
                      .body = R"({"status":"valid","contact":["mailto:a@example.com"]})"});
  const auto account = client_.new_account(
      key_, {.contact = {"mailto:a@example.com"}, .terms_agreed = true, .key_id = "kid-1", .hmac_key = "c2VjcmV0"}, {});
  ASSERT_TRUE(account) << account.error().error.what;
  EXPECT_EQ(account->url, ca_.url("/account/1"));
  const auto request = ca_.requests("/account").front();
  EXPECT_EQ(CaScript::header_of(request)["jwk"], key_.jwk());
  EXPECT_FALSE(CaScript::header_of(request).contains("kid"));
  const auto payload = CaScript::payload_of(request);
  EXPECT_EQ(payload["termsOfServiceAgreed"], true);
  EXPECT_FALSE(payload.contains("onlyReturnExisting"));
  EXPECT_TRUE(payload["externalAccountBinding"].contains("signature"));
  EXPECT_NE(request.head.find("application/jose+json"), std::string::npos);
  EXPECT_NE(request.head.find("User-Agent: sekisho/"), std::string::npos);
}

TEST_F(AcmeClient, ChangesTheKeyWithASignatureOfEach) {
  ca_.on("/key", {.status = 200});
  const auto next = *AccountKey::make();
  ASSERT_TRUE(client_.change_key(signer(), next, {}));
  const auto request = ca_.requests("/key").front();
  EXPECT_EQ(CaScript::header_of(request)["kid"], ca_.url("/account/1"));
  const auto inner = CaScript::payload_of(request);
  const auto header = nlohmann::json::parse(*base::from_base64url(inner["protected"].get<std::string>()));
  EXPECT_EQ(header["jwk"], next.jwk());
  EXPECT_EQ(header["url"], ca_.url("/key"));
  EXPECT_FALSE(header.contains("nonce"));
  const auto change = nlohmann::json::parse(*base::from_base64url(inner["payload"].get<std::string>()));
  EXPECT_EQ(change["account"], ca_.url("/account/1"));
  EXPECT_EQ(change["oldKey"], key_.jwk());
}

TEST_F(AcmeClient, RespondsToAChallengeWithAnEmptyObject) {
  Challenge challenge;
  challenge.url = ca_.url("/challenge");
  ca_.json("/challenge", {{"type", "http-01"},
                          {"url", challenge.url},
                          {"status", "processing"},
                          {"token", "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ"}});
  const auto answer = client_.respond(signer(), challenge, {});
  ASSERT_TRUE(answer) << answer.error().error.what;
  EXPECT_EQ(CaScript::payload_of(ca_.requests("/challenge").front()), nlohmann::json::object());
}

TEST_F(AcmeClient, AsksForRenewalInformationUnsigned) {
  ca_.on("/ari/a.b", {.headers = {{"Retry-After", "21600"}},
                      .body = R"({"suggestedWindow":{"start":"2026-01-02T03:04:05Z","end":"2026-01-03T03:04:05Z"}})"});
  const auto answer = client_.renewal_info("a.b", {});
  ASSERT_TRUE(answer) << answer.error().error.what;
  EXPECT_EQ(answer->retry_after, seconds(21'600));
  EXPECT_EQ(ca_.requests("/ari/a.b").front().method, "GET");
  EXPECT_EQ(client_.renewal_info("c.d", {}).error().error.code, base::Code::not_found);
}

TEST_F(AcmeClient, KeepsTheDirectoryForAnHour) {
  ASSERT_TRUE(client_.directory({}));
  clock_.advance(std::chrono::minutes(59));
  ASSERT_TRUE(client_.directory({}));
  EXPECT_EQ(ca_.requests("/dir").size(), 1U);
  clock_.advance(std::chrono::minutes(2));
  ASSERT_TRUE(client_.directory({}));
  EXPECT_EQ(ca_.requests("/dir").size(), 2U);
}

TEST_F(AcmeClient, TellsHowFarTheClockOfTheServerIsAhead) {
  nlohmann::json body{{"newNonce", ca_.url("/nonce")}, {"newAccount", ca_.url("/a")}, {"newOrder", ca_.url("/o")}};
  ca_.on("/dir", {.headers = {{"Date", "Sun, 01 Mar 2026 00:10:00 GMT"}}, .body = body.dump()});
  EXPECT_EQ(client_.directory({})->clock_ahead, std::chrono::minutes(10));
}

TEST_F(AcmeClient, ForgetsNoncesThatAreOld) {
  ca_.on("/order", created_order());
  ASSERT_TRUE(new_order());
  ASSERT_TRUE(new_order());
  EXPECT_EQ(ca_.requests("/nonce").size(), 1U);
  clock_.advance(std::chrono::minutes(6));
  ASSERT_TRUE(new_order());
  EXPECT_EQ(ca_.requests("/nonce").size(), 2U);
}

TEST_F(AcmeClient, ServesSeveralThreadsWithoutUsingANonceTwice) {
  Client client({.directory_url = ca_.url("/dir")}, clock_);
  ca_.on("/order", created_order());
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int j = 0; j < 5; ++j) {
          EXPECT_TRUE(client.new_order(signer(), {.identifiers = identifiers_of({"a.example"})}, {}));
        }
      });
    }
  }
  std::vector<std::string> nonces;
  for (const auto& request : ca_.requests("/order")) nonces.push_back(CaScript::header_of(request)["nonce"]);
  std::ranges::sort(nonces);
  EXPECT_EQ(nonces.size(), 20U);
  EXPECT_EQ(std::ranges::adjacent_find(nonces), nonces.end());
}

}  // namespace
}  // namespace acme
