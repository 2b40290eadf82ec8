// The Ingresses of the guides, as they stand in tests/data/manifests: what they ask for, unchanged.
#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include <yaml-cpp/yaml.h>

#include "tests/kube/cluster_objects.h"

namespace kube {
namespace {

using test::Cluster;
using test::json;

// As kubectl has it: what stands in quotes is text, else true, false and whole numbers are what they look like.
json to_json(const YAML::Node& node) {
  if (node.IsNull() || !node.IsDefined()) return nullptr;
  if (node.IsSequence()) {
    json list = json::array();
    for (const YAML::Node& element : node) list.push_back(to_json(element));
    return list;
  }
  if (node.IsMap()) {
    json mapping = json::object();
    for (const auto& entry : node) mapping[entry.first.Scalar()] = to_json(entry.second);
    return mapping;
  }
  const std::string& text = node.Scalar();
  const json guessed = json::parse(text, nullptr, false);
  const bool plain = node.Tag() == "?";
  return plain && (guessed.is_boolean() || guessed.is_number_integer()) ? guessed : json(text);
}

// Adds every Ingress of the file; the number of objects in it.
std::size_t add_file(Cluster& cluster, const std::string& name) {
  std::size_t count = 0;
  for (const YAML::Node& node :
       YAML::LoadAllFromFile(std::string(SEKISHO_SOURCE_DIR "/tests/data/manifests/") + name)) {
    const json object = to_json(node);
    if (!object.is_object()) continue;
    ++count;
    if (object.at("kind") == "Ingress") cluster.add_ingress(object);
    if (object.at("kind") == "Service") cluster.add_service(object);
  }
  return count;
}

Cluster edge() {
  return Cluster({.classes = {.taken_over = {"nginx", "azure-application-gateway", "azure-alb-external"}}});
}

TEST(Manifests, OfTheApplicationGatewayGuideRedirectAndAskForACertificate) {
  Cluster cluster = edge();
  ASSERT_EQ(add_file(cluster, "000-02-ingress.yaml"), 1U);
  cluster.add_app("my-app");
  const Changes changes = cluster.take();
  EXPECT_TRUE(cluster.notices().empty());
  EXPECT_EQ(cluster.answer("app.example.com", "/x"), "default/my-app:80@my-app");
  EXPECT_TRUE(changes.hosts.at("app.example.com").front().redirect_to_https);
  const WantedCertificate& made = *changes.certificates.at({"default", "app-tls-secret"});
  EXPECT_EQ(made.issuer, (IssuerRef{"letsencrypt-prod", "ClusterIssuer", "cert-manager.io"}));
  EXPECT_EQ(made.hosts, (std::vector<std::string>{"app.example.com"}));
}

TEST(Manifests, OfTheApplicationGatewayForContainersGuideAreServed) {
  Cluster cluster = edge();
  ASSERT_EQ(add_file(cluster, "000-05-clusterissuer-ingress.yaml"), 2U);
  cluster.add_app("my-app");
  EXPECT_EQ(cluster.answer("app.example.com", "/"), "default/my-app:80");
  EXPECT_EQ(cluster.notices(),
            (std::vector<std::string>{"InertAnnotation default/my-app", "InertAnnotation default/my-app"}));
}

TEST(Manifests, OfTheNginxGuideRouteByPath) {
  Cluster cluster = edge();
  ASSERT_EQ(add_file(cluster, "001-02-ingress.yaml"), 1U);
  cluster.add_app("app1").add_app("app2");
  EXPECT_TRUE(cluster.notices().empty());
  EXPECT_EQ(cluster.answer("k8s-tutorial.mamezou-tech.com", "/app1/x"), "default/app1:80");
  EXPECT_EQ(cluster.answer("k8s-tutorial.mamezou-tech.com", "/app2"), "default/app2:80");
  EXPECT_EQ(cluster.answer("k8s-tutorial.mamezou-tech.com", "/app3"), "none");
}

TEST(Manifests, OfTheOldGuidesMeanWhatTheyMeantThen) {
  struct Row {
    std::string file;
    std::string host;
    std::string secret;
    std::string issuer;
  };
  for (const Row& row :
       std::vector<Row>{{"001-03-ingress.yaml", "frieza.dev", "selfsigning-cert", "selfsigning-issuer"},
                        {"001-05-ingress.yaml", "cloud.frieza.dev", "letsencrypt-staging", "letsencrypt-staging"}}) {
    Cluster cluster = edge();
    ASSERT_EQ(add_file(cluster, row.file), 1U);
    const Changes changes = cluster.take();
    EXPECT_EQ(cluster.answer(row.host, "/app1"), "default/app1:3000");
    EXPECT_EQ(cluster.answer(row.host, "/app2/x"), "default/app2:3000");
    const WantedCertificate& made = *changes.certificates.at({"default", row.secret});
    EXPECT_EQ(made.issuer, (IssuerRef{row.issuer, "Issuer", "cert-manager.io"}));
    EXPECT_EQ(made.hosts, (std::vector<std::string>{row.host}));
  }
}

}  // namespace
}  // namespace kube
