#include "kube/cluster_findings.h"

#include <gtest/gtest.h>

#include <set>

#include "kube/needed_rights.h"
#include "kube/object_names.h"
#include "tests/kube/api_script.h"

namespace kube {
namespace {

using nlohmann::json;
using Verdict = acme::Finding::Verdict;

constexpr auto reviews = "POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews";

class Clusters : public testing::Test {
 protected:
  void answer(bool rights) {
    api.json("GET /version", {{"gitVersion", "v1.34.0"}});
    api.json(reviews, {{"status", {{"allowed", rights}}}}, 201);
  }
  std::vector<acme::Finding> examine() { return examine_cluster(api.client, question, {}); }
  static std::vector<acme::Finding> of(const std::vector<acme::Finding>& all, const std::string& check) {
    std::vector<acme::Finding> those;
    for (const auto& one : all) {
      if (one.check == check) those.push_back(one);
    }
    return those;
  }

  test::ApiScript api;
  ClusterQuestion question{.access = api.access,
                           .rights = {.served = "shop", .home = "edge"},
                           .lease = "ingress sekisho",
                           .classes = {"sekisho"}};
};

TEST_F(Clusters, AreOneFindingWhereTheApiDoesNotAnswer) {
  api.status("GET /version", 500, "InternalError");
  const auto all = examine();
  ASSERT_EQ(all.size(), 1U);
  EXPECT_EQ(all[0].verdict, Verdict::bad);
}

TEST_F(Clusters, NameEachResourceThatIsMissingAndTheRoleThatGrantsIt) {
  answer(false);
  const auto rights = of(examine(), "rights");
  ASSERT_FALSE(rights.empty());
  const auto leases = std::ranges::find(rights, "leases.coordination.k8s.io", &acme::Finding::name);
  ASSERT_NE(leases, rights.end());
  EXPECT_EQ(leases->verdict, Verdict::bad);
  EXPECT_NE(leases->text.find("in namespace edge"), std::string::npos) << leases->text;
  EXPECT_NE(leases->text.find("own_namespace_role.yaml"), std::string::npos);
  // Who only serves is not told that issuing is broken.
  const auto issue = std::ranges::find(rights, "sekisho-issue", &acme::Finding::name);
  ASSERT_NE(issue, rights.end());
  EXPECT_EQ(issue->verdict, Verdict::unknown);
}

// Only what is switched on is asked for.
TEST_F(Clusters, LookAtTheRightsOfMirrorsAndOfTheWebhookWhereTheyAreWanted) {
  answer(false);
  const auto names = [this] {
    std::set<std::string> all;
    for (const acme::Finding& one : of(examine(), "rights")) all.insert(one.name);
    return all;
  };
  const std::string configurations = "validatingwebhookconfigurations.admissionregistration.k8s.io";
  EXPECT_FALSE(names().contains(configurations));
  EXPECT_FALSE(names().contains("namespaces"));
  question.rights.mirrors = RightsWanted::Mirrors::on;
  question.rights.webhook_configuration = "sekisho";
  EXPECT_TRUE(names().contains(configurations));
  EXPECT_TRUE(names().contains("namespaces"));
  const auto rights = of(examine(), "rights");
  const auto webhook = std::ranges::find(rights, configurations, &acme::Finding::name);
  ASSERT_NE(webhook, rights.end());
  EXPECT_NE(webhook->text.find("may not get, update " + configurations + " sekisho: "), std::string::npos)
      << webhook->text;
  EXPECT_NE(webhook->text.find("components/webhook/role.yaml"), std::string::npos) << webhook->text;
  answer(true);
  EXPECT_TRUE(names().contains("sekisho-mirror-target"));
}

TEST_F(Clusters, LookAtTheRightsOfCopiesInEachOfTheirNamespaces) {
  question.rights.copies = {"intranet"};
  answer(false);
  const auto rights = of(examine(), "rights");
  const auto found = std::ranges::find(rights, "secrets in namespace intranet", &acme::Finding::name);
  ASSERT_NE(found, rights.end());
  EXPECT_EQ(found->verdict, Verdict::bad);
  EXPECT_NE(found->text.find("may not get, create, patch secrets in namespace intranet: "), std::string::npos)
      << found->text;
}

TEST_F(Clusters, AreFoundGoodWithAllRights) {
  question.rights.copies = {"intranet"};
  answer(true);
  for (const acme::Finding& one : of(examine(), "rights")) EXPECT_EQ(one.verdict, Verdict::good) << one.text;
}

TEST_F(Clusters, SayWhoLeadsAndThatNobodyDoes) {
  answer(true);
  const std::string lease = "GET /apis/coordination.k8s.io/v1/namespaces/edge/leases/" + lease_name("ingress sekisho");
  api.status(lease, 404, "NotFound");
  api.json(
      lease,
      {{"metadata", {{"name", "l"}}},
       {"spec",
        {{"holderIdentity", "pod-1"}, {"leaseDurationSeconds", 15}, {"renewTime", "2020-01-01T00:00:00.000000Z"}}}});
  EXPECT_EQ(of(examine(), "leader").at(0).verdict, Verdict::bad);
  const auto old = of(examine(), "leader").at(0);
  EXPECT_EQ(old.verdict, Verdict::bad) << old.text;
}

TEST_F(Clusters, SayThatIssuersOfAnOldCertManagerAreNotRead) {
  answer(true);
  const auto old = [this] {
    const auto all = of(examine(), "CRDs");
    return std::ranges::find(all, "certmanager.k8s.io", &acme::Finding::name) != all.end();
  };
  EXPECT_FALSE(old());
  api.json("GET /apis/certmanager.k8s.io", {{"kind", "APIGroup"}, {"name", "certmanager.k8s.io"}});
  EXPECT_TRUE(old());
}

TEST_F(Clusters, SayThatThePublishedServiceIsMissing) {
  answer(true);
  question.publish_service = ObjectName{"edge", "sekisho"};
  api.json("GET /api/v1/namespaces/edge/services", test::ApiScript::list({}, "1"));
  EXPECT_EQ(of(examine(), "service").at(0).verdict, Verdict::bad);
}

TEST_F(Clusters, SayThatAPortLeadsElsewhere) {
  answer(true);
  question.publish_service = ObjectName{"edge", "sekisho"};
  question.ports = {8443};
  api.json(
      "GET /api/v1/namespaces/edge/services",
      test::ApiScript::list(
          {{{"metadata", {{"name", "sekisho"}, {"namespace", "edge"}}},
            {"spec",
             {{"type", "LoadBalancer"},
              {"ports", {{{"name", "https"}, {"port", 443}, {"targetPort", 8443}}, {{"name", "http"}, {"port", 80}}}}}},
            {"status", {{"loadBalancer", {{"ingress", {{{"ip", "192.0.2.1"}}}}}}}}}},
          "1"));
  const json slice{{"metadata", {{"name", "s"}, {"namespace", "edge"}}},
                   {"addressType", "IPv4"},
                   {"endpoints", {{{"addresses", {"10.0.0.1"}}}}},
                   {"ports", {{{"name", "https"}, {"port", 8443}}, {{"name", "http"}, {"port", 9999}}}}};
  api.json("GET /apis/discovery.k8s.io/v1/namespaces/edge/endpointslices", test::ApiScript::list({slice}, "1"));
  const auto found = of(examine(), "service");
  ASSERT_EQ(found.size(), 3U);
  EXPECT_EQ(found[0].verdict, Verdict::good) << found[0].text;
  EXPECT_EQ(found[1].verdict, Verdict::good) << found[1].text;
  EXPECT_EQ(found[2].verdict, Verdict::bad) << found[2].text;
}

}  // namespace
}  // namespace kube
