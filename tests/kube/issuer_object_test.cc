#include "kube/issuer_object.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace kube {
namespace {

using nlohmann::json;

json issuer(const json& spec) {
  return {{"metadata", {{"name", "le"}, {"namespace", "shop"}, {"generation", 3}}}, {"spec", spec}};
}
json acme(const json& more) {
  json spec{{"server", "https://ca.example/dir"}, {"privateKeySecretRef", {{"name", "key"}}}};
  spec.update(more);
  return issuer({{"acme", spec}});
}
std::string fault(const json& object) {
  const auto read = read_issuer(resources::issuers, object);
  return read ? "none" : to_string(read.error());
}
AcmeIssuerSpec acme_of(const json& object) {
  return std::get<AcmeIssuerSpec>(read_issuer(resources::issuers, object).value().spec);
}

TEST(IssuerObject, SaysWhatIsWrong) {
  EXPECT_EQ(fault({{"metadata", {{"name", "a"}}}}), "spec: found nothing, expected a mapping");
  EXPECT_TRUE(fault(issuer(json::object())).contains("expected acme, ca or selfSigned"));
  EXPECT_TRUE(
      fault(issuer({{"acme", {{"server", 1}, {"name", "k"}}}})).starts_with("spec.acme.server: found a number"));
  EXPECT_TRUE(fault(issuer({{"acme", {{"server", "https://ca"}}}})).contains("privateKeySecretRef"));
  EXPECT_TRUE(fault(acme({{"caBundle", "%"}})).contains("spec.acme.caBundle"));
  EXPECT_TRUE(fault(acme({{"caBundle", base::to_base64("hello")}})).contains("PEM certificates"));
  EXPECT_TRUE(fault(issuer({{"ca", json::object()}})).contains("spec.ca.secretName"));
}

TEST(IssuerObject, ReadsEachKind) {
  EXPECT_EQ(std::get<CaIssuerSpec>(read_issuer(resources::issuers, issuer({{"ca", {{"secretName", "root"}}}}))->spec),
            CaIssuerSpec{"root"});
  const auto itself = read_issuer(resources::issuers, issuer({{"selfSigned", json::object()}}));
  EXPECT_TRUE(std::holds_alternative<SelfSignedIssuerSpec>(itself->spec));
  EXPECT_EQ(itself->generation, 3);
  const auto vault = read_issuer(resources::issuers, issuer({{"vault", {{"server", "x"}}}}));
  EXPECT_EQ(std::get<ForeignIssuerSpec>(vault->spec).what, "vault");
}

TEST(IssuerObject, ReadsAnAccount) {
  const auto spec = acme_of(
      acme({{"email", "a@b.example"},
            {"preferredChain", "X1"},
            {"profile", "shortlived"},
            {"skipTLSVerify", true},
            {"disableAccountKeyGeneration", true},
            {"externalAccountBinding", {{"keyID", "kid"}, {"keySecretRef", {{"name", "eab"}, {"key", "secret"}}}}}}));
  EXPECT_EQ(spec.email, "a@b.example");
  EXPECT_EQ(spec.account_key, (SecretKeyRef{"key", "tls.key"}));
  EXPECT_FALSE(spec.may_make_key);
  EXPECT_TRUE(spec.skip_tls_verify);
  EXPECT_EQ(spec.profile, "shortlived");
  EXPECT_EQ(spec.external_account->hmac_key, (SecretKeyRef{"eab", "secret"}));
}

TEST(IssuerObject, ReadsSolvers) {
  const auto spec = acme_of(acme(
      {{"solvers",
        {{{"http01", {{"ingress", {{"ingressClassName", "nginx"}}}}}},
         {{"dns01", {{"azureDNS", {{"subscriptionID", "s"}, {"resourceGroupName", "g"}, {"hostedZoneName", "z"}}}}}},
         {{"dns01", {{"rfc2136", {{"nameserver", "192.0.2.1"}, {"tsigSecretSecretRef", {{"name", "t"}}}}}}}},
         {{"dns01", {{"webhook", {{"groupName", "x"}}}}}, {"selector", {{"dnsZones", {"a.example"}}}}},
         {{"http01", {{"gatewayHTTPRoute", json::object()}}}}}}}));
  ASSERT_EQ(spec.solvers.size(), 5U);
  EXPECT_EQ(std::get<Http01Solver>(spec.solvers[0].way).ingress_class, "nginx");
  EXPECT_EQ(std::get<AzureDnsSolver>(spec.solvers[1].way).hosted_zone, "z");
  EXPECT_EQ(std::get<Rfc2136Solver>(spec.solvers[2].way).secret->name, "t");
  EXPECT_EQ(std::get<ForeignSolver>(spec.solvers[3].way).provider, "webhook");
  EXPECT_EQ(spec.solvers[3].selector.dns_zones, std::vector<std::string>{"a.example"});
  EXPECT_TRUE(spec.solvers[3].by_dns());
  EXPECT_FALSE(spec.solvers[4].by_dns());
}

// As the guide of 2019 has it, with its fields one step too far to the left.
TEST(IssuerObject, ForgivesTheGuidesIndentation) {
  const auto spec = acme_of(issuer({{"acme", nullptr},
                                    {"server", "https://ca.example/dir"},
                                    {"email", ""},
                                    {"privateKeySecretRef", nullptr},
                                    {"name", "account"},
                                    {"http01", json::object()}}));
  EXPECT_EQ(spec.account_key.name, "account");
  EXPECT_EQ(spec.solvers.size(), 1U);
}

struct Choice {
  const char* name;
  std::vector<SolverSelector> selectors;  // the first is http01, the others are by DNS
  int expected;                           // -1: none
};

TEST(IssuerObject, ChoosesASolverAsCertManagerDoes) {
  const std::map<std::string, std::string> labels{{"team", "a"}, {"tier", "web"}};
  const Choice choices[] = {
      {"a.example", {}, -1},
      {"*.a.example", {{}}, -1},
      {"a.example", {{.dns_names = {"b.example"}, .dns_zones = {}, .labels = {}}}, -1},
      {"a.example", {{.dns_names = {}, .dns_zones = {}, .labels = {{"team", "b"}}}}, -1},
      {"notexample.org", {{.dns_names = {}, .dns_zones = {"example.org"}, .labels = {}}}, -1},
      {"a.example", {{}, {}}, 0},
      {"*.a.example", {{}, {}}, 1},
      {"*.a.example", {{}, {.dns_names = {"*.a.example"}, .dns_zones = {}, .labels = {}}, {}}, 1},
      {"a.example", {{.dns_names = {}, .dns_zones = {"example"}, .labels = {}}, {}}, 0},
      {"x.a.example",
       {{.dns_names = {}, .dns_zones = {"example"}, .labels = {}},
        {.dns_names = {}, .dns_zones = {"a.example", "b.example"}, .labels = {}}},
       1},
      {"a.example",
       {{.dns_names = {}, .dns_zones = {"a.example"}, .labels = {{"team", "a"}, {"tier", "web"}}},
        {.dns_names = {"a.example"}, .dns_zones = {}, .labels = {}}},
       1},
      {"a.example",
       {{.dns_names = {}, .dns_zones = {}, .labels = {{"team", "a"}}},
        {.dns_names = {}, .dns_zones = {}, .labels = {{"team", "a"}, {"tier", "web"}}}},
       1},
      {"a.example", {{}, {.dns_names = {}, .dns_zones = {}, .labels = {{"team", "a"}}}}, 1},
  };
  for (const Choice& choice : choices) {
    std::vector<ChallengeSolver> solvers;
    for (const SolverSelector& selector : choice.selectors) {
      solvers.push_back({.selector = selector, .way = Rfc2136Solver{}});
    }
    if (!solvers.empty()) solvers.front().way = Http01Solver{};
    const auto* chosen = choose_solver(solvers, choice.name, labels);
    EXPECT_EQ(chosen == nullptr ? -1 : chosen - solvers.data(), choice.expected)
        << choice.name << " of case " << &choice - choices;
  }
}

}  // namespace
}  // namespace kube
