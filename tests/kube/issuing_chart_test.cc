#include "kube/issuing_chart.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "tests/kube/api_script.h"
#include "tests/kube/cluster_objects.h"
#include "tests/support/mint.h"

namespace kube {
namespace {

using nlohmann::json;
using State = ChartLink::State;

const base::SystemTime now = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);

json condition(const std::string& type, const std::string& status, const std::string& reason,
               const std::string& message) {
  return {{"type", type}, {"status", status}, {"reason", reason}, {"message", message}};
}
json certificate(std::vector<json> conditions) {
  return {{"metadata", {{"name", "web-tls"}, {"namespace", "shop"}}},
          {"spec", {{"secretName", "web-tls"}, {"dnsNames", {"www.example.com"}}, {"issuerRef", {{"name", "le"}}}}},
          {"status", {{"conditions", conditions}}}};
}
json issuer(const std::string& ready) {
  return {{"metadata", {{"name", "le"}, {"namespace", "shop"}}},
          {"status", {{"conditions", {condition("Ready", ready, "Reason", "the account")}}}}};
}
ChartObjects objects() {
  ChartObjects made{.secret_name = {"shop", "web-tls"}};
  return made;
}
WantedCertificate wanted() {
  WantedCertificate made;
  made.secret = {"shop", "web-tls"};
  made.ingress.name = {"shop", "web"};
  made.issuer = {.name = "le", .kind = "Issuer", .group = "cert-manager.io"};
  return made;
}
certstore::CertificatePtr minted(const std::string& name, base::SystemTime until) {
  static test::Authority authority("root");
  const auto leaf = authority.issue({.names = {name}, .not_after = until});
  return certstore::Certificate::from_pem(leaf.chain_pem(), leaf.key_pem()).value();
}
const ChartLink* find(const std::vector<ChartLink>& links, const std::string& what) {
  const auto found = std::ranges::find(links, what, &ChartLink::what);
  return found == links.end() ? nullptr : &*found;
}

TEST(IssuingChart, SaysThatNoIngressNamesTheHost) {
  const auto links = ingress_links({}, "www.example.com");
  ASSERT_EQ(links.size(), 1U);
  EXPECT_EQ(links[0].state, State::bad);
  EXPECT_FALSE(links[0].next.empty());
}

TEST(IssuingChart, ShowsAnIngressOfAnotherClass) {
  Translator translator({.classes = {.taken_over = {"sekisho"}}});
  translator.upsert(resources::ingresses, test::ingress(test::metadata("theirs", "shop"),
                                                        {test::rule("www.example.com", {test::path_to("/", "web")})},
                                                        {{"ingressClassName", "nginx"}}));
  translator.upsert(
      resources::ingresses,
      test::ingress(test::metadata("wild", "shop"), {test::rule("*.example.com", {test::path_to("/", "web")})},
                    {{"tls", {{{"secretName", "wild-tls"}, {"hosts", {"*.example.com"}}}}}}));
  translator.upsert(
      resources::ingresses,
      test::ingress(test::metadata("other", "shop"), {test::rule("other.example.org", {test::path_to("/", "web")})}));
  (void)translator.take();
  const HostReport report = translator.report("www.example.com");
  ASSERT_EQ(report.size(), 2U);
  const auto links = ingress_links(report, "www.example.com");
  EXPECT_EQ(links[0].object, "shop/theirs");
  EXPECT_EQ(links[0].state, State::unknown);
  EXPECT_EQ(links[1].state, State::good);
  EXPECT_EQ(report[1].secret, (ObjectName{"shop", "wild-tls"}));
}

TEST(IssuingChart, SaysThatAnAnnotationAsksForACertificateThatIsNotThere) {
  ChartObjects some = objects();
  some.wanted = wanted();
  auto links = issuing_links(some, "www.example.com", now);
  ASSERT_NE(find(links, "certificate"), nullptr);
  EXPECT_EQ(find(links, "certificate")->state, State::bad);
  EXPECT_EQ(find(links, "issuer")->state, State::bad);
  EXPECT_EQ(find(links, "secret")->state, State::bad);
  some.definitions = ChartObjects::Definitions::missing;
  links = issuing_links(some, "www.example.com", now);
  EXPECT_NE(find(links, "certificate")->next.find("CRDs"), std::string::npos);
}

TEST(IssuingChart, SaysNothingOfIssuersWhereSomebodyElseFillsTheSecret) {
  ChartObjects some = objects();
  some.held = minted("www.example.com", now + std::chrono::days(30));
  const auto links = issuing_links(some, "www.example.com", now);
  ASSERT_EQ(links.size(), 1U);
  EXPECT_EQ(links[0].state, State::good);
  EXPECT_EQ(links[0].next, "");
}

TEST(IssuingChart, RepeatsConditionsWithTheirReasons) {
  ChartObjects some = objects();
  some.certificate = certificate({condition("Ready", "False", "DoesNotExist", "no Secret"),
                                  condition("Issuing", "False", "Failed", "the CA says no")});
  some.issuer = issuer("False");
  const auto links = issuing_links(some, "www.example.com", now);
  EXPECT_EQ(find(links, "certificate")->text, "Ready is False, reason DoesNotExist: no Secret");
  EXPECT_EQ(find(links, "issuing")->state, State::bad);
  EXPECT_EQ(find(links, "issuer")->state, State::bad);
  EXPECT_NE(find(links, "issuer")->next.find("kubectl -n shop describe issuer le"), std::string::npos);
}

TEST(IssuingChart, SaysWhatAChallengeWaitsFor) {
  ChartObjects some = objects();
  some.certificate = certificate({condition("Issuing", "True", "DoesNotExist", "wanted")});
  some.issuer = issuer("True");
  some.challenges = {{{"metadata", {{"name", "a"}, {"namespace", "shop"}}},
                      {"spec", {{"type", "DNS-01"}, {"dnsName", "www.example.com"}}},
                      {"status", {{"state", "pending"}, {"reason", "no record"}}}}};
  const auto links = issuing_links(some, "www.example.com", now);
  EXPECT_EQ(find(links, "challenge")->state, State::waiting);
  EXPECT_NE(find(links, "challenge")->next.find("dig TXT _acme-challenge.www.example.com"), std::string::npos);
}

TEST(IssuingChart, SaysThatASecretIsForAnotherNameOrOver) {
  ChartObjects some = objects();
  some.held = minted("other.example.com", now + std::chrono::days(30));
  EXPECT_EQ(find(issuing_links(some, "www.example.com", now), "secret")->state, State::bad);
  some.held = minted("www.example.com", now - std::chrono::days(1));
  EXPECT_NE(find(issuing_links(some, "www.example.com", now), "secret")->text.find("expired"), std::string::npos);
  some.held = base::fail(base::Code::invalid, "tls.crt: no certificate");
  EXPECT_EQ(find(issuing_links(some, "www.example.com", now), "secret")->text, "tls.crt: no certificate");
}

TEST(IssuingChart, SaysWhatCannotBeReadAndDoesNotCallItMissing) {
  test::ApiScript api;
  api.status("GET /api/v1/namespaces/shop/secrets", 403, "Forbidden", "secrets are forbidden");
  api.status("GET /apis/cert-manager.io/v1/namespaces/shop/certificates", 404, "NotFound");
  const ChartObjects read = read_chart_objects(api.client, {"shop", "web-tls"}, std::nullopt, {});
  ASSERT_EQ(read.failures.size(), 1U);
  EXPECT_EQ(read.definitions, ChartObjects::Definitions::missing);
  const auto links = issuing_links(read, "www.example.com", now);
  EXPECT_EQ(find(links, "secret"), nullptr);
  EXPECT_EQ(find(links, "api")->state, State::unknown);
}

TEST(IssuingChart, ReadsTheOrdersOfItsCertificateAlone) {
  test::ApiScript api;
  const std::string orders = "GET /apis/acme.cert-manager.io/v1/namespaces/shop/";
  const auto owned = [](const std::string& name, const std::string& kind, const std::string& owner) {
    return json{{"metadata",
                 {{"name", name}, {"namespace", "shop"}, {"ownerReferences", {{{"kind", kind}, {"name", owner}}}}}}};
  };
  api.json("GET /api/v1/namespaces/shop/secrets", test::ApiScript::list({}, "1"));
  api.json("GET /apis/cert-manager.io/v1/namespaces/shop/certificates", test::ApiScript::list({certificate({})}, "1"));
  api.json("GET /apis/cert-manager.io/v1/namespaces/shop/issuers", test::ApiScript::list({issuer("True")}, "1"));
  api.json(orders + "orders",
           test::ApiScript::list({owned("a", "Certificate", "web-tls"), owned("b", "Certificate", "other")}, "1"));
  api.json(orders + "challenges", test::ApiScript::list({owned("c", "Order", "a"), owned("d", "Order", "b")}, "1"));
  const ChartObjects read = read_chart_objects(api.client, {"shop", "web-tls"}, std::nullopt, {});
  ASSERT_EQ(read.orders.size(), 1U);
  ASSERT_EQ(read.challenges.size(), 1U);
  EXPECT_EQ(name_of(read.challenges[0]).name, "c");
  EXPECT_TRUE(read.failures.empty());
}

}  // namespace
}  // namespace kube
