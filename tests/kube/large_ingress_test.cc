// An Ingress as large as the API takes one, by someone who means ill: it costs what its caps allow, and not the square.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "kube/ingress_tls.h"
#include "tests/kube/cluster_objects.h"

namespace kube {
namespace {

using test::Cluster;
using test::ingress;
using test::json;
using test::metadata;
using test::path_to;
using test::rule;

std::string host(std::size_t i) {
  return fmt::format("h{}.example", i);
}

std::vector<std::string> hosts(std::size_t count) {
  std::vector<std::string> made;
  for (std::size_t i = 0; i < count; ++i) made.push_back(host(i));
  return made;
}

json tls(const json& sections) {
  return {{"tls", sections}};
}

std::size_t routes_of(const Changes& changes) {
  std::size_t count = 0;
  for (const auto& [name, routes] : changes.hosts) count += routes.size();
  return count;
}

TEST(LargeIngress, HasATlsHostForEachUpToTheCap) {
  Cluster cluster;
  cluster.add_ingress(ingress(metadata("a"), {rule("a.example", {path_to("/", "s")})},
                              tls({{{"hosts", hosts(most_tls_hosts)}, {"secretName", "t"}}})));
  EXPECT_EQ(cluster.take().secrets.at({"default", "t"}).hosts.size(), most_tls_hosts);
  EXPECT_EQ(cluster.message("IngressTooLarge"), "");

  cluster.add_ingress(ingress(metadata("a"), {rule("a.example", {path_to("/", "s")})},
                              tls({{{"hosts", hosts(100'000)}, {"secretName", "t"}}})));
  EXPECT_EQ(cluster.take().secrets.at({"default", "t"}).hosts.size(), most_tls_hosts);
  EXPECT_TRUE(cluster.message("IngressTooLarge").contains("more than 1000 hosts"));
}

TEST(LargeIngress, CountsTheHostsOfSectionsWithoutAny) {
  std::vector<json> rules;
  for (std::size_t i = 0; i < 600; ++i) rules.push_back(rule(host(i), {path_to("/", "s")}));
  json sections = json::array();
  for (int i = 0; i < 20'000; ++i) sections.push_back({{"secretName", "t" + std::to_string(i)}});
  Cluster cluster;
  cluster.add_ingress(ingress(metadata("a"), rules, tls(sections)));
  std::size_t claims = 0;
  for (const auto& [name, secret] : cluster.take().secrets) claims += secret.hosts.size();
  EXPECT_EQ(claims, most_tls_hosts);
  EXPECT_TRUE(cluster.message("IngressTooLarge").contains("more than 1000 hosts"));
}

TEST(LargeIngress, TellsABoundedNumberOfFaults) {
  std::vector<std::string> wrong;
  for (int i = 0; i < 900; ++i) wrong.push_back(fmt::format("wrong host {}", i));
  Cluster cluster;
  cluster.add_ingress(ingress(metadata("a"), {rule("a.example", {path_to("/", "missing-service-is-told-elsewhere")})},
                              tls({{{"hosts", wrong}, {"secretName", "t"}}})));
  (void)cluster.take();
  const auto said = cluster.notices();
  EXPECT_EQ(std::ranges::count(said, "InvalidHost default/a"), static_cast<std::ptrdiff_t>(most_notices - 1));
  EXPECT_EQ(cluster.message("IngressTooLarge"), "and 801 more things are wrong with it");
}

TEST(LargeIngress, HasRoutesUpToTheCap) {
  std::vector<json> paths;
  for (std::size_t i = 0; i < most_routes + 1; ++i) paths.push_back(path_to(fmt::format("/{}", i), "s"));
  Cluster cluster;
  cluster.add_ingress(ingress(metadata("a"), {rule("a.example", paths)}));
  EXPECT_EQ(routes_of(cluster.take()), most_routes);
  EXPECT_TRUE(cluster.message("IngressTooLarge").contains("more than 5000 routes"));
}

TEST(LargeIngress, CountsItsAliasesTimesItsPaths) {
  std::vector<json> paths;
  for (int i = 0; i < 1000; ++i) paths.push_back(path_to(fmt::format("/{}", i), "s"));
  std::string aliases;
  for (int i = 0; i < 10'000; ++i) aliases += fmt::format("alias{}.example,", i);
  Cluster cluster({.classes = {.taken_over = {"nginx"}}});
  json object = test::annotated(ingress(metadata("a"), {rule("a.example", paths)}),
                                "nginx.ingress.kubernetes.io/server-alias", aliases);
  object["spec"]["ingressClassName"] = "nginx";
  cluster.add_ingress(object);
  EXPECT_EQ(routes_of(cluster.take()), most_routes);
  EXPECT_TRUE(cluster.message("IngressTooLarge").contains("more than 5000 routes"));
}

TEST(LargeIngress, ComparesEachOfItsClaimsOnce) {
  std::vector<json> rules;
  for (std::size_t i = 0; i < 1000; ++i) rules.push_back(rule(host(i), {path_to("/", "s"), path_to("/b", "s")}));
  Cluster cluster;
  cluster.add_ingress(ingress(metadata("a"), rules));
  (void)cluster.take();
  EXPECT_EQ(cluster.translator.work().claims, 2000U);
}

}  // namespace
}  // namespace kube
