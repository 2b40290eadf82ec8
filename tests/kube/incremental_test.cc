// A large cluster: what one change costs, counted in objects looked at. It must be what depends on the object that
// changed, and not grow with the others.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/kube/cluster_objects.h"
#include "tests/support/mint.h"

namespace kube {
namespace {

using test::Cluster;
using test::ingress;
using test::json;
using test::metadata;
using test::path_to;
using test::rule;

std::string app(int i) {
  return "app-" + std::to_string(i);
}

json ingress_of(int i) {
  const std::string host = app(i) + ".example.com";
  return ingress(metadata(app(i)), {rule(host, {path_to("/", app(i))})},
                 {{"tls", {{{"hosts", {host}}, {"secretName", app(i)}}}}});
}

// One Service and one EndpointSlice of four endpoints for each Ingress.
void fill(Cluster& cluster, int ingresses) {
  for (int i = 0; i < ingresses; ++i) {
    std::vector<std::string> addresses;
    for (int k = 1; k <= 4; ++k) addresses.push_back(fmt::format("10.{}.{}.{}", i / 250, i % 250, k));
    cluster.add_app(app(i), addresses).add_ingress(ingress_of(i));
  }
}

struct Cost {
  std::size_t endpoint_slice;
  std::size_t secret;
  std::size_t service;
  std::size_t ingress;
  friend bool operator==(const Cost&, const Cost&) = default;
};

std::size_t cost_of_take(Cluster& cluster) {
  const std::size_t before = cluster.translator.work().total();
  EXPECT_FALSE(cluster.take().empty());
  return cluster.translator.work().total() - before;
}

Cost cost_in_cluster_of(int ingresses) {
  const test::Minted pair = test::self_signed({.names = {"app-7.example.com"}});
  Cluster cluster;
  fill(cluster, ingresses);
  const Changes all = cluster.take();
  EXPECT_EQ(all.hosts.size(), static_cast<std::size_t>(ingresses));
  EXPECT_EQ(all.backends.size(), static_cast<std::size_t>(ingresses));
  Cost cost{};
  cluster.add_slice(test::slice("app-7-1", "app-7", {"10.200.0.1"}));
  cost.endpoint_slice = cost_of_take(cluster);
  cluster.add_secret(test::tls_secret("app-7", pair.chain_pem(), pair.key_pem()));
  cost.secret = cost_of_take(cluster);
  cluster.add_service(
      test::service("app-7", "default", {{{"port", 80}, {"targetPort", 8080}, {"appProtocol", "grpc"}}}));
  cost.service = cost_of_take(cluster);
  cluster.add_ingress(test::annotated(ingress_of(7), "nginx.ingress.kubernetes.io/proxy-body-size", "1m"));
  cost.ingress = cost_of_take(cluster);
  return cost;
}

TEST(IncrementalTranslation, CostsTheSameInASmallAndInALargeCluster) {
  const Cost small = cost_in_cluster_of(10);
  const Cost large = cost_in_cluster_of(5000);  // 20,000 endpoints
  EXPECT_EQ(small, large);
  EXPECT_EQ(large.endpoint_slice, 2U);  // the backend, and its one slice
  EXPECT_EQ(large.secret, 1U);
  EXPECT_EQ(large.service, 2U);
  EXPECT_LE(large.ingress, 8U);
}

TEST(IncrementalTranslation, LooksAtNothingWhereNothingChanged) {
  Cluster cluster;
  fill(cluster, 100);
  (void)cluster.take();
  const std::size_t before = cluster.translator.work().total();
  EXPECT_TRUE(cluster.take().empty());
  cluster.add_app("nobody-uses-it");
  EXPECT_TRUE(cluster.take().empty());
  EXPECT_EQ(cluster.translator.work().total(), before);
}

}  // namespace
}  // namespace kube
