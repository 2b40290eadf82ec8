#include "azure/gateway_plan.h"

#include <algorithm>
#include <memory>

#include <gtest/gtest.h>

#include "certstore/certificate.h"
#include "certstore/pfx.h"
#include "tests/azure/gateway_examples.h"

namespace azure {
namespace {

using nlohmann::ordered_json;
using What = GatewayStep::What;

class GatewayPlans : public testing::Test {
 protected:
  struct Pair {
    test::Minted minted;
    certstore::CertificatePtr certificate;
  };
  static Pair make(const std::string& host) {
    Pair pair{.minted = test::Authority("root").intermediate("middle").issue({.names = {host}})};
    pair.certificate = *certstore::Certificate::from_pem(pair.minted.chain_pem(), pair.minted.key_pem());
    return pair;
  }
  static GatewayDocument parsed(const ordered_json& gateway, int indent = -1) {
    auto document = GatewayDocument::parse(gateway.dump(indent));
    EXPECT_TRUE(document);
    return *std::move(document);
  }
  static std::map<std::string, UploadedPfx> uploads_of(const GatewayWant& want,
                                                       const certstore::Certificate& certificate) {
    std::map<std::string, UploadedPfx> uploads;
    uploads.emplace(want.name, make_upload(certificate, largest_gateway_pfx).value());
    return uploads;
  }
  static std::vector<std::string> words(const GatewayPlan& plan) {
    std::vector<std::string> all;
    for (const GatewayStep& step : plan.steps) {
      all.push_back(std::string(to_string(step.what)) + " " + step.name + (step.to.empty() ? "" : " " + step.to));
    }
    return all;
  }
  using Words = std::vector<std::string>;

  Pair ours_ = make("www.example.com");
  Pair other_ = make("shop.example.com");
  GatewayWant want_{"sekisho-www", ours_.certificate->fingerprint(), {"www.example.com"}};
  GatewayRules rules_{.name_prefix = "sekisho-", .listeners = {}};
};

TEST_F(GatewayPlans, IsEmptyWhereTheGatewayHoldsWhatWeServe) {
  const auto there =
      parsed(test::gateway_with({test::gateway_certificate("x", test::public_data(other_.minted)),
                                 test::gateway_certificate("Sekisho-WWW", test::public_data(ours_.minted))}));
  const auto plan = plan_gateway(there, {want_}, rules_);
  EXPECT_EQ(words(plan), Words());
  EXPECT_TRUE(plan.problems.empty());
}

TEST_F(GatewayPlans, TouchesNothingOfOthers) {
  ordered_json gateway = test::published_gateway();
  gateway["properties"]["entraJWTValidationConfigs"] = {{{"name", "new"}, {"x", 1.50}}};
  const auto there = parsed(gateway, 3);
  const auto plan = plan_gateway(there, {want_}, rules_);
  EXPECT_EQ(words(plan), Words{"add sekisho-www"});
  const auto text = rebuilt(there, {want_}, plan, uploads_of(want_, *ours_.certificate));
  ASSERT_TRUE(text) << text.error().what;
  // Byte for byte: what was put in is one stretch, and without it the document is what it was.
  const std::size_t begin = text->find(R"(,{"name":"sekisho-www")");
  ASSERT_NE(begin, std::string::npos);
  const std::size_t added = text->size() - there.places().text().size();
  EXPECT_EQ(std::string(*text).erase(begin, added), there.places().text());
}

TEST_F(GatewayPlans, UploadsWhatCanBeOpenedAgain) {
  const auto there =
      parsed(test::gateway_with({test::gateway_certificate("sekisho-www", test::public_data(other_.minted))}));
  const auto plan = plan_gateway(there, {want_}, rules_);
  EXPECT_EQ(words(plan), Words{"replace sekisho-www"});
  const auto text = rebuilt(there, {want_}, plan, uploads_of(want_, *ours_.certificate));
  ASSERT_TRUE(text);
  const auto element = ordered_json::parse(*text)["properties"]["sslCertificates"][0];
  EXPECT_EQ(element["id"], test::gateway_id + "/sslCertificates/sekisho-www");
  EXPECT_EQ(element["etag"], "W/\"1\"");
  EXPECT_FALSE(element["properties"].contains("publicCertData")) << "that is of the one before";
  const std::string password = element["properties"]["password"];
  EXPECT_GE(password.size(), 32U);
  const auto opened =
      certstore::Certificate::from_pfx(*base::from_base64(element["properties"]["data"].get<std::string>()), password);
  ASSERT_TRUE(opened) << opened.error().what;
  EXPECT_EQ((*opened)->fingerprint(), ours_.certificate->fingerprint());
  EXPECT_EQ((*opened)->chain_pem(), ours_.certificate->chain_pem());
}

TEST_F(GatewayPlans, TakesAListThatIsNotThere) {
  for (const auto& list : {ordered_json(), ordered_json::array()}) {
    ordered_json gateway = test::gateway_with({});
    gateway["properties"]["sslCertificates"] = list;
    const auto there = parsed(gateway);
    const auto text =
        rebuilt(there, {want_}, plan_gateway(there, {want_}, rules_), uploads_of(want_, *ours_.certificate));
    ASSERT_TRUE(text);
    EXPECT_EQ(ordered_json::parse(*text)["properties"]["sslCertificates"].size(), 1U);
    gateway["properties"].erase("sslCertificates");
    const auto without = parsed(gateway);
    const auto again =
        rebuilt(without, {want_}, plan_gateway(without, {want_}, rules_), uploads_of(want_, *ours_.certificate));
    ASSERT_TRUE(again);
    EXPECT_EQ(ordered_json::parse(*again)["properties"]["sslCertificates"].size(), 1U);
  }
}

TEST_F(GatewayPlans, NamesAVaultInThePlaceOfAnUpload) {
  want_.key_vault_secret_id = "https://v.vault.azure.net/secrets/www";
  ordered_json uploaded = test::gateway_certificate("sekisho-www", test::public_data(ours_.minted));
  const auto there = parsed(test::gateway_with({uploaded}));
  const auto plan = plan_gateway(there, {want_}, rules_);
  EXPECT_EQ(words(plan), Words{"replace sekisho-www"}) << "the same certificate, but not followed";
  const auto text = rebuilt(there, {want_}, plan, {});
  ASSERT_TRUE(text) << text.error().what;
  EXPECT_EQ(ordered_json::parse(*text)["properties"]["sslCertificates"][0]["properties"],
            (ordered_json{{"keyVaultSecretId", want_.key_vault_secret_id}}));
}

TEST_F(GatewayPlans, HastensAGatewayThatHasNotLookedIntoTheVault) {
  want_.key_vault_secret_id = "https://v.vault.azure.net/secrets/www";
  ordered_json element = test::gateway_certificate("sekisho-www", test::public_data(other_.minted));
  element["properties"]["keyVaultSecretId"] = "https://V.vault.azure.net/secrets/www";
  const auto there = parsed(test::gateway_with({element}));
  const auto plan = plan_gateway(there, {want_}, rules_);
  EXPECT_EQ(words(plan), Words{"hasten sekisho-www"});
  EXPECT_EQ(std::string_view(rebuilt(there, {want_}, plan, {}).value()), there.places().text())
      << "a PUT of what is there";
}

TEST_F(GatewayPlans, RemembersWhatCannotBeCompared) {
  const auto there = parsed(test::gateway_with({test::gateway_certificate("sekisho-www", "*****")}));
  EXPECT_EQ(words(plan_gateway(there, {want_}, rules_)), Words{"replace sekisho-www"});
  const auto plan = plan_gateway(there, {want_}, rules_, {.taken = [](const GatewayWant&) { return true; }});
  EXPECT_EQ(words(plan), Words());
  EXPECT_EQ(plan.unchecked, Words{"sekisho-www"});
  const auto other =
      parsed(test::gateway_with({test::gateway_certificate("sekisho-www", test::public_data(other_.minted))}));
  EXPECT_EQ(words(plan_gateway(other, {want_}, rules_, {.taken = [](const GatewayWant&) { return true; }})),
            Words{"replace sekisho-www"})
      << "what can be compared is compared";
}

struct ListenerCase {
  const char* what;
  ordered_json listener;
  std::vector<std::string> steps;
  std::size_t problems;
};

TEST_F(GatewayPlans, LeadsListenersOnlyWhereItIsClear) {
  ordered_json plain = test::gateway_listener("l", "www.example.com", "");
  plain["properties"]["protocol"] = "Http";
  ordered_json many = test::gateway_listener("l", "", "");
  many["properties"]["hostNames"] = {"www.example.com", "shop.example.com"};
  const std::vector<ListenerCase> cases{
      {"the host", test::gateway_listener("l", "WWW.example.com", "x"), {"refer l sekisho-www"}, 0},
      {"already", test::gateway_listener("l", "www.example.com", "SEKISHO-www"), {}, 0},
      {"no certificate yet", test::gateway_listener("l", "www.example.com", ""), {"refer l sekisho-www"}, 0},
      {"a wildcard", test::gateway_listener("l", "a.wild.example.com", "x"), {"refer l sekisho-wild"}, 0},
      {"the wildcard itself", test::gateway_listener("l", "*.wild.example.com", "x"), {"refer l sekisho-wild"}, 0},
      {"two labels below", test::gateway_listener("l", "a.b.wild.example.com", "x"), {}, 1},
      {"another host", test::gateway_listener("l", "shop.example.com", "x"), {}, 1},
      {"one host of two", many, {}, 1},
      {"any host", test::gateway_listener("l", "", "x"), {}, 1},
      {"HTTP", plain, {}, 1},
      {"another listener", test::gateway_listener("k", "www.example.com", "x"), {}, 1},
  };
  const GatewayWant wild{"sekisho-wild", std::string(64, 'a'), {"*.wild.example.com"}};
  rules_.listeners = {"l"};
  for (const ListenerCase& c : cases) {
    ordered_json wild_there = test::gateway_certificate("sekisho-wild", "*****");
    const auto there = parsed(test::gateway_with(
        {test::gateway_certificate("sekisho-www", test::public_data(ours_.minted)), wild_there}, {c.listener}));
    const auto plan = plan_gateway(there, {want_, wild}, rules_, {.taken = [](const GatewayWant&) { return true; }});
    EXPECT_EQ(words(plan), c.steps) << c.what;
    EXPECT_EQ(plan.problems.size(), c.problems) << c.what;
    const auto text = rebuilt(there, {want_, wild}, plan, {});
    ASSERT_TRUE(text) << c.what;
    if (c.steps.empty()) {
      EXPECT_EQ(std::string_view(*text), there.places().text()) << c.what;
    } else {
      EXPECT_EQ(words(plan_gateway(parsed(ordered_json::parse(*text)), {want_, wild}, rules_,
                                   {.taken = [](const GatewayWant&) { return true; }})),
                Words())
          << c.what << ": nothing is left to do then";
    }
  }
}

TEST_F(GatewayPlans, LeadsAListenerForAnyHostToTheOnlyCertificateThatIsConfigured) {
  rules_.listeners = {"l"};
  const auto there = parsed(test::gateway_with({}, {test::gateway_listener("l", "", "x")}));
  const auto plan = plan_gateway(there, {want_}, rules_);
  EXPECT_EQ(words(plan), Words{"add sekisho-www"}) << "that there is one at the moment says nothing";
  ASSERT_EQ(plan.problems.size(), 1U);
  EXPECT_NE(plan.problems[0].find("`certificates` name exactly one"), std::string::npos);
  rules_.only = "sekisho-other";
  EXPECT_EQ(words(plan_gateway(there, {want_}, rules_)), Words{"add sekisho-www"}) << "it is not there yet";
  rules_.only = "sekisho-www";
  EXPECT_EQ(words(plan_gateway(there, {want_}, rules_)), (Words{"add sekisho-www", "refer l sekisho-www"}));
}

TEST_F(GatewayPlans, LeadsAListenerToTheCertificateThatIsServed) {
  const base::SystemTime now{std::chrono::hours(24 * 365)};
  const auto want = [&](const std::string& name, std::vector<std::string> hosts, int days_ago) {
    return GatewayWant{.name = name,
                       .fingerprint = std::string(64, name.back()),
                       .hosts = std::move(hosts),
                       .not_before = now - std::chrono::days(days_ago),
                       .not_after = now + std::chrono::days(30 - days_ago)};
  };
  const auto led = [&](const std::vector<GatewayWant>& wanted, const std::string& has) {
    rules_.listeners = {"l"};
    const auto there = parsed(test::gateway_with({}, {test::gateway_listener("l", "www.example.com", has)}));
    const auto steps = words(plan_gateway(there, wanted, rules_));
    return steps.size() == wanted.size() ? "" : steps.back();
  };
  const auto older = want("a", {"aaa.example.com", "www.example.com"}, 25);
  const auto newer = want("b", {"www.example.com"}, 1);
  const auto wild = want("c", {"*.example.com"}, 0);
  EXPECT_EQ(led({older, newer, wild}, "x"), "refer l b");
  EXPECT_EQ(led({wild, newer, older}, "a"), "refer l b");
  EXPECT_EQ(led({wild, older}, "c"), "refer l a") << "the host itself before a wildcard";
  auto as_good = newer;
  as_good.name = "d";
  EXPECT_EQ(led({newer, as_good}, "b"), "") << "no change without a reason";
  EXPECT_EQ(led({newer, as_good}, "d"), "");
}

TEST_F(GatewayPlans, LeavesAListenerAloneWhoseCertificateCannotBeWritten) {
  const base::SystemTime now{std::chrono::hours(24)};
  want_.use = GatewayWant::Use::leave;
  want_.not_before = now;
  const GatewayWant older{.name = "old", .fingerprint = std::string(64, 'a'), .hosts = {"www.example.com"}};
  rules_.listeners = {"l"};
  for (const char* host : {"www.example.com", ""}) {
    rules_.only = "sekisho-www";
    const auto there = parsed(test::gateway_with({test::gateway_certificate("sekisho-www", "")},
                                                 {test::gateway_listener("l", host, "sekisho-www")}));
    const auto plan = plan_gateway(there, {older, want_}, rules_, {.prune = {"sekisho-www"}});
    EXPECT_EQ(words(plan), Words{"add old"}) << "neither written nor pruned, and nothing takes its place";
    ASSERT_EQ(plan.problems.size(), 1U);
    EXPECT_NE(plan.problems[0].find("cannot be written"), std::string::npos);
  }
}

TEST_F(GatewayPlans, WritesAnewWhatAFailedOperationHasLeft) {
  for (const char* state : {"Failed", "Canceled"}) {
    ordered_json gateway =
        test::gateway_with({test::gateway_certificate("sekisho-www", test::public_data(ours_.minted))});
    gateway["properties"]["provisioningState"] = state;
    const auto there = parsed(gateway);
    EXPECT_EQ(words(plan_gateway(there, {want_}, rules_)), Words{"mend sekisho-www"}) << state;
    const auto later = plan_gateway(there, {want_}, rules_, {.mend = GatewayRound::Mend::not_yet});
    EXPECT_EQ(words(later), Words()) << state;
    EXPECT_EQ(later.doubtful, Words{"sekisho-www"}) << state;
    const auto text =
        rebuilt(there, {want_}, plan_gateway(there, {want_}, rules_), uploads_of(want_, *ours_.certificate));
    ASSERT_TRUE(text) << state;
    EXPECT_TRUE(ordered_json::parse(*text)["properties"]["sslCertificates"][0]["properties"].contains("data"));
  }
}

TEST_F(GatewayPlans, PrunesOnlyWhatIsOursAndOfNoUse) {
  ordered_json nameless = test::gateway_certificate("sekisho-no-id", "");
  nameless.erase("id");
  const auto there =
      parsed(test::gateway_with({test::gateway_certificate("sekisho-old", ""),
                                 test::gateway_certificate("sekisho-used", ""), test::gateway_certificate("theirs", ""),
                                 test::gateway_certificate("sekisho-www", test::public_data(ours_.minted)), nameless},
                                {test::gateway_listener("l", "", "sekisho-used")}));
  EXPECT_EQ(prunable(there, {want_}, rules_), Words{"sekisho-old"});
  EXPECT_EQ(prunable(there, {want_}, GatewayRules{}), Words()) << "without a prefix nothing is known to be ours";
  const auto plan =
      plan_gateway(there, {want_}, rules_, {.prune = {"sekisho-old", "sekisho-used", "theirs", "sekisho-www"}});
  EXPECT_EQ(words(plan), Words{"prune sekisho-old"});
  const auto after = parsed(ordered_json::parse(rebuilt(there, {want_}, plan, {}).value()));
  EXPECT_EQ(after.certificates().size(), 4U);
  EXPECT_FALSE(after.certificate("sekisho-old"));
}

TEST_F(GatewayPlans, LeavesOutWhatAFullGatewayDoesNotTake) {
  std::vector<ordered_json> full;
  full.reserve(most_gateway_certificates);
  for (std::size_t i = 0; i < most_gateway_certificates; ++i) {
    full.push_back(test::gateway_certificate("c" + std::to_string(i), ""));
  }
  rules_.listeners = {"l"};
  const auto there = parsed(test::gateway_with(full, {test::gateway_listener("l", "www.example.com", "c1")}));
  const auto plan = plan_gateway(there, {want_}, rules_);
  EXPECT_EQ(words(plan), Words()) << "and no listener is led to it";
  ASSERT_EQ(plan.problems.size(), 2U);
  EXPECT_NE(plan.problems[0].find("100 certificates"), std::string::npos);
  full[0]["name"] = "sekisho-old";
  const auto again = parsed(test::gateway_with(full));
  EXPECT_EQ(
      words(plan_gateway(again, {want_}, {.name_prefix = "sekisho-", .listeners = {}}, {.prune = {"sekisho-old"}})),
      (Words{"prune sekisho-old", "add sekisho-www"}));
}

TEST(PfxUpload, RefusesWhatIsTooLarge) {
  const auto pair = test::self_signed({.names = {"www.example.com"}});
  const auto certificate = *certstore::Certificate::from_pem(pair.chain_pem(), pair.key_pem());
  const auto upload = make_upload(*certificate, 100);
  ASSERT_FALSE(upload);
  EXPECT_EQ(upload.error().code, base::Code::too_large);
}

}  // namespace
}  // namespace azure
