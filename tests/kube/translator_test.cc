// Backends, Secrets, certificates and what changes: the state that the translator holds, object by object.
#include "kube/translator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "tests/kube/cluster_objects.h"
#include "tests/support/mint.h"

namespace kube {
namespace {

using test::annotated;
using test::Cluster;
using test::ingress;
using test::json;
using test::metadata;
using test::path_to;
using test::rule;

json to_service(const std::string& name, const json& port = {{"number", 80}}) {
  return ingress(metadata("a"), {rule("a.example", {path_to("/", name, "Prefix", port)})});
}

json with_tls(const json& meta, const std::string& host, const std::string& secret) {
  return ingress(meta, {rule(host, {path_to("/", "s")})}, {{"tls", {{{"hosts", {host}}, {"secretName", secret}}}}});
}

// ---- backends

TEST(Backends, WithoutServicePortOrEndpointsStayAndSayWhy) {
  Cluster cluster;
  cluster.add_ingress(to_service("s"));
  EXPECT_EQ(cluster.endpoints("default/s:80"), "");
  EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"ServiceNotFound default/a"}));
  cluster.add_service(test::service("s", "default", {{{"port", 81}}}));
  EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"ServicePortNotFound default/a"}));
  cluster.add_service(test::service("s"));
  EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"NoEndpoints default/a"}));
  cluster.add_slice(test::slice("s-1", "s", {"10.1.0.1"}));
  EXPECT_TRUE(cluster.notices().empty());
  EXPECT_EQ(cluster.endpoints("default/s:80"), "10.1.0.1:8080");
  cluster.remove(resources::services, "s");
  EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"ServiceNotFound default/a"}));
  EXPECT_EQ(cluster.endpoints("default/s:80"), "");
}

TEST(Backends, LeaveOutEndpointsBeyondWhatARequestCanLookAtAndSaySo) {
  Cluster cluster;
  cluster.add_service(test::service("s")).add_ingress(to_service("s"));
  for (int slice = 0; slice < 6; ++slice) {
    std::vector<std::string> addresses;
    for (int i = 0; i < 1000; ++i) addresses.push_back(fmt::format("10.{}.{}.{}", slice, i / 250, i % 250));
    cluster.add_slice(test::slice("s-" + std::to_string(slice), "s", addresses));
  }
  const std::string endpoints = cluster.endpoints("default/s:80");
  EXPECT_EQ(std::ranges::count(endpoints, ':'), 5'000);
  EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"TooManyEndpoints default/a"}));
}

TEST(Backends, NeverReachIntoAnotherNamespace) {
  Cluster cluster;
  cluster.add_app("s", {"10.1.0.1"}, "other").add_ingress(to_service("s"));
  EXPECT_EQ(cluster.endpoints("default/s:80"), "");
}

TEST(Backends, FindPortsByNumberAndByName) {
  const json ports = {{{"name", "web"}, {"port", 80}, {"targetPort", "http"}}, {{"name", "admin"}, {"port", 81}}};
  const json slice_ports = {{{"name", "web"}, {"port", 8080}}, {{"name", "admin"}, {"port", 8081}}};
  for (const json& port : {json{{"number", 80}}, json{{"name", "web"}}}) {
    Cluster cluster;
    cluster.add_service(test::service("s", "default", ports));
    cluster.add_slice(test::slice("s-1", "s", {"10.1.0.1"}, "default", slice_ports)).add_ingress(to_service("s", port));
    const std::string key = port.contains("name") ? "default/s:web" : "default/s:80";
    EXPECT_EQ(cluster.endpoints(key), "10.1.0.1:8080") << port;
  }
}

TEST(Backends, TakeReadyEndpointsAndOnlyWithoutThemThoseThatEnd) {
  struct Row {
    std::string what;
    json first;
    json second;
    std::string endpoints;
  };
  const std::vector<Row> rows{
      {"nothing said", nullptr, json::object(), "10.1.0.1:8080 10.1.0.2:8080"},
      {"one not ready", {{"ready", false}}, nullptr, "10.1.0.2:8080"},
      {"one ends", {{"ready", false}, {"serving", true}, {"terminating", true}}, nullptr, "10.1.0.2:8080"},
      {"all end",
       {{"ready", false}, {"serving", true}, {"terminating", true}},
       {{"ready", false}, {"serving", false}, {"terminating", true}},
       "10.1.0.1:8080"},
      {"none ready, none ends", {{"ready", false}}, {{"ready", false}, {"serving", true}}, ""},
  };
  for (const Row& row : rows) {
    Cluster cluster;
    json slice = test::slice("s-1", "s", {"10.1.0.1", "10.1.0.2"});
    slice["endpoints"][0]["conditions"] = row.first;
    slice["endpoints"][1]["conditions"] = row.second;
    cluster.add_service(test::service("s")).add_slice(slice).add_ingress(to_service("s"));
    EXPECT_EQ(cluster.endpoints("default/s:80"), row.endpoints) << row.what;
  }
}

TEST(Backends, MergeSlicesOfBothFamiliesAndNames) {
  Cluster cluster;
  json six = test::slice("s-6", "s", {"2001:db8::1", "not an address"});
  six["addressType"] = "IPv6";
  json name = test::slice("s-name", "s", {"in.example"});
  name["addressType"] = "FQDN";
  cluster.add_service(test::service("s"))
      .add_slice(test::slice("s-4", "s", {"10.1.0.1"}))
      .add_slice(six)
      .add_slice(name);
  cluster.add_ingress(to_service("s"));
  EXPECT_EQ(cluster.endpoints("default/s:80"), "10.1.0.1:8080 [2001:db8::1]:8080 in.example:8080");
  cluster.remove(resources::endpoint_slices, "s-6");
  EXPECT_EQ(cluster.endpoints("default/s:80"), "10.1.0.1:8080 in.example:8080");
}

TEST(Backends, FollowASliceThatGoesToAnotherService) {
  Cluster cluster;
  cluster.add_app("s").add_service(test::service("other")).add_ingress(to_service("s"));
  cluster.add_slice(test::slice("s-1", "other", {"10.1.0.1"}));
  EXPECT_EQ(cluster.endpoints("default/s:80"), "");
}

TEST(Backends, FollowExternalNamesButNotToThisMachine) {
  const auto external = [](const std::string& name) {
    json object = test::service("s");
    object["spec"]["type"] = "ExternalName";
    object["spec"]["externalName"] = name;
    return object;
  };
  for (const std::string bad : {"localhost", "x.localhost", "127.0.0.1", "::1", "169.254.169.254", "a b"}) {
    Cluster cluster;
    cluster.add_service(external(bad)).add_ingress(to_service("s"));
    EXPECT_EQ(cluster.endpoints("default/s:80"), "") << bad;
    EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"InvalidService default/a"})) << bad;
  }
  Cluster cluster;
  cluster.add_service(external("db.example.com")).add_ingress(to_service("s", {{"number", 9000}}));
  EXPECT_EQ(cluster.endpoints("default/s:9000"), "db.example.com:9000");
}

TEST(Backends, SpeakTheProtocolOfThePort) {
  struct Row {
    std::string app_protocol;
    config::UpstreamProtocol version;
    bool tls;
  };
  using enum config::UpstreamProtocol;
  for (const Row& row : std::vector<Row>{{"", http1, false},
                                         {"http", http1, false},
                                         {"https", http1, true},
                                         {"kubernetes.io/h2c", http2, false},
                                         {"kubernetes.io/wss", http1, true},
                                         {"grpc", http2, false},
                                         {"GRPC", http2, false},
                                         {"mysql", http1, false}}) {
    Cluster cluster;
    cluster.add_service(test::service("s", "default", {{{"port", 80}, {"appProtocol", row.app_protocol}}}));
    cluster.add_ingress(to_service("s"));
    EXPECT_EQ(cluster.backend("default/s:80").protocol, row.version) << row.app_protocol;
    EXPECT_EQ(cluster.backend("default/s:80").tls.has_value(), row.tls) << row.app_protocol;
  }
}

// ---- changes

TEST(Changes, OfAnEndpointNameItsBackendAlone) {
  Cluster cluster;
  cluster.add_app("s").add_app("t").add_ingress(to_service("s"));
  (void)cluster.take();
  cluster.add_slice(test::slice("s-1", "s", {"10.1.0.2"}));
  const Changes changes = cluster.take();
  EXPECT_TRUE(changes.hosts.empty() && changes.secrets.empty() && changes.appeared.empty());
  ASSERT_EQ(changes.backends.size(), 1U);
  EXPECT_TRUE(changes.endpoints_only.contains("default/s:80"));
}

TEST(Changes, AreNoneWhereNothingThatCountsChanged) {
  Cluster cluster;
  cluster.add_app("s").add_ingress(to_service("s"));
  (void)cluster.take();
  json again = to_service("s");
  again["metadata"]["resourceVersion"] = "2";
  cluster.add_ingress(again).add_app("s").add_app("unused");
  EXPECT_TRUE(cluster.take().empty());
}

TEST(Changes, TakeEverythingAwayThatAnIngressBrought) {
  Cluster cluster;
  cluster.add_app("s").add_ingress(with_tls(metadata("a"), "a.example", "t"));
  (void)cluster.take();
  cluster.remove(resources::ingresses, "a");
  const Changes changes = cluster.take();
  EXPECT_TRUE(changes.hosts.at("a.example").empty());
  EXPECT_EQ(changes.backends.at("default/s:80"), nullptr);
  EXPECT_TRUE(changes.secrets_gone.contains({"default", "t"}));
  EXPECT_EQ(changes.vanished.size(), 1U);
  EXPECT_TRUE(cluster.notices().empty());
}

TEST(Changes, KeepTheLastGoodOfAnIngressThatCannotBeRead) {
  Cluster cluster;
  cluster.add_app("s").add_ingress(to_service("s"));
  json broken = to_service("s");
  broken["spec"]["rules"] = "none";
  cluster.add_ingress(broken);
  EXPECT_EQ(cluster.answer("a.example", "/"), "default/s:80");
  EXPECT_EQ(cluster.message("InvalidObject"), "spec.rules: found text, expected a list");
  cluster.add_ingress(to_service("s"));
  EXPECT_TRUE(cluster.notices().empty());
}

TEST(Changes, ForgetWhatWasWrongWithAnObjectThatIsGone) {
  Cluster cluster;
  cluster.add_class({{"metadata", {{"name", "c"}}}, {"spec", 1}});
  cluster.add_service({{"metadata", {{"name", "s"}}}, {"spec", 1}});
  EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"InvalidObject c", "InvalidObject default/s"}));
  cluster.remove(resources::ingress_classes, "c").remove(resources::services, "s");
  EXPECT_TRUE(cluster.notices().empty());
}

TEST(Changes, SayNothingOfOthersIngressesThatCannotBeRead) {
  Cluster cluster;
  json broken = to_service("s");
  broken["spec"] = {{"ingressClassName", "other"}, {"rules", "none"}};
  cluster.add_ingress(broken);
  EXPECT_TRUE(cluster.take().empty());
}

TEST(Changes, AreTheSameInAnyOrder) {
  const test::Minted pair = test::self_signed({.names = {"a.example"}});
  const std::vector<std::pair<Resource, json>> objects{
      {resources::services, test::service("s")},
      {resources::endpoint_slices, test::slice("s-1", "s", {"10.1.0.1"})},
      {resources::endpoint_slices, test::slice("s-2", "s", {"10.1.0.2"})},
      {resources::ingresses, with_tls(metadata("a", "default", 20), "a.example", "t")},
      {resources::ingresses, with_tls(metadata("b", "default", 10), "a.example", "u")},
      {resources::secrets, test::tls_secret("t", pair.chain_pem(), pair.key_pem())},
      {resources::ingress_classes, test::ingress_class("sekisho")}};
  std::vector<std::size_t> order{0, 1, 2, 3, 4, 5, 6};
  std::vector<std::string> first;
  do {
    Cluster cluster(Translator::Options{});
    for (const std::size_t i : order) {
      cluster.add(objects[i].first, objects[i].second);
      if (order[0] % 2 == 0) (void)cluster.take();
    }
    std::vector<std::string> state = cluster.notices();
    state.push_back(cluster.endpoints("default/s:80"));
    state.push_back(cluster.answer("a.example", "/"));
    if (first.empty()) first = state;
    ASSERT_EQ(state, first);
  } while (std::ranges::next_permutation(order).found);
  EXPECT_EQ(first, (std::vector<std::string>{"HostPathTaken default/b", "SecretNotFound default/b",
                                             "10.1.0.1:8080 10.1.0.2:8080", "default/s:80"}));
}

// ---- Secrets

TEST(Secrets, ThatAreMissingOrBadConcernTheirHostAlone) {
  Cluster cluster;
  const test::Minted good = test::self_signed({.names = {"good.example"}});
  const test::Minted other = test::self_signed({.names = {"other.example"}});
  cluster.add_app("s");
  for (const std::string name : {"good", "missing", "swapped", "empty", "wrong"}) {
    cluster.add_ingress(with_tls(metadata(name), name + ".example", name));
  }
  cluster.add_secret(test::tls_secret("good", good.chain_pem(), good.key_pem()));
  cluster.add_secret(test::tls_secret("swapped", good.chain_pem(), other.key_pem()));
  cluster.add_secret(test::tls_secret("empty", "", ""));
  cluster.add_secret(test::tls_secret("wrong", good.chain_pem(), good.key_pem()));
  const Changes changes = cluster.take();
  EXPECT_EQ(cluster.notices(),
            (std::vector<std::string>{"CertificateNameMismatch default/wrong", "InvalidSecret default/empty",
                                      "InvalidSecret default/swapped", "SecretNotFound default/missing"}));
  EXPECT_TRUE(changes.secrets.at({"default", "good"}).certificate);
  EXPECT_EQ(changes.secrets.at({"default", "good"}).hosts, (std::vector<std::string>{"good.example"}));
  EXPECT_FALSE(changes.secrets.at({"default", "missing"}).certificate);
  EXPECT_FALSE(changes.secrets.at({"default", "swapped"}).certificate);
}

TEST(Secrets, AreReadAgainOnlyWhenTheirContentChanges) {
  Cluster cluster;
  const test::Minted pair = test::self_signed({.names = {"a.example"}});
  cluster.add_app("s").add_ingress(with_tls(metadata("a"), "a.example", "t"));
  cluster.add_secret(test::tls_secret("t", pair.chain_pem(), pair.key_pem()));
  (void)cluster.take();
  json labelled = test::tls_secret("t", pair.chain_pem(), pair.key_pem());
  labelled["metadata"]["labels"]["backup"] = "true";
  cluster.add_secret(labelled);
  EXPECT_TRUE(cluster.take().empty());
}

TEST(Secrets, OfAnotherNamespaceCannotTakeAHostAway) {
  Cluster cluster;
  cluster.add_app("s", {"10.1.0.1"}, "shop").add_app("s", {"10.1.0.1"}, "thief");
  cluster.add_ingress(with_tls(metadata("web", "shop", 20), "a.example", "t"));
  cluster.add_ingress(with_tls(metadata("web", "thief", 10), "a.example", "t"));
  const Changes changes = cluster.take();
  EXPECT_TRUE(changes.secrets.contains({"shop", "t"}));
  EXPECT_FALSE(changes.secrets.contains({"thief", "t"}));
  const std::vector<std::string> said = cluster.notices();
  EXPECT_NE(std::ranges::find(said, "TLSHostTaken thief/web"), said.end());
}

TEST(Secrets, OpaqueOnesWithTheSameKeysWillDo) {
  Cluster cluster;
  const test::Minted pair = test::self_signed({.names = {"a.example"}});
  json secret = test::tls_secret("t", pair.chain_pem(), pair.key_pem());
  secret["type"] = "Opaque";
  cluster.add_app("s").add_secret(secret).add_ingress(with_tls(metadata("a"), "a.example", "t"));
  EXPECT_TRUE(cluster.take().secrets.at({"default", "t"}).certificate);
}

// ---- certificates that are asked for

TEST(WantedCertificates, AreMadeForEachSecretOfTheTlsSections) {
  Cluster cluster;
  json object = with_tls(metadata("a"), "a.example", "t");
  object["spec"]["tls"].push_back({{"hosts", {"b.example", "a.example"}}, {"secretName", "t"}});
  object["spec"]["tls"].push_back({{"hosts", {"c.example"}}, {"secretName", "u"}});
  for (const auto& [name, value] :
       std::vector<std::pair<std::string, std::string>>{{"issuer", "ca"},
                                                        {"issuer-kind", "Vault"},
                                                        {"issuer-group", "example.com"},
                                                        {"common-name", "a.example"},
                                                        {"duration", "2160h"},
                                                        {"renew-before", "360h"},
                                                        {"usages", "server auth,client auth"},
                                                        {"private-key-algorithm", "ECDSA"},
                                                        {"private-key-size", "384"},
                                                        {"private-key-encoding", "PKCS8"},
                                                        {"private-key-rotation-policy", "Always"},
                                                        {"subject-organizations", "Shop, Co"}}) {
    object = annotated(object, "cert-manager.io/" + name, value);
  }
  object = annotated(object, "acme.cert-manager.io/http01-edit-in-place", "true");
  cluster.add_app("s").add_ingress(object);
  const Changes changes = cluster.take();
  EXPECT_TRUE(cluster.notices().empty());
  ASSERT_EQ(changes.certificates.size(), 2U);
  const WantedCertificate& made = *changes.certificates.at({"default", "t"});
  EXPECT_EQ(made.hosts, (std::vector<std::string>{"a.example", "b.example"}));
  EXPECT_EQ(made.issuer, (IssuerRef{"ca", "Vault", "example.com"}));
  EXPECT_EQ(made.duration, std::chrono::hours(2160));
  EXPECT_EQ(made.renew_before, std::chrono::hours(360));
  EXPECT_EQ(made.usages, (std::vector<std::string>{"server auth", "client auth"}));
  EXPECT_EQ(made.key, (WantedKey{"ECDSA", "PKCS8", 384, "Always"}));
  EXPECT_EQ(made.subject.organizations, (std::vector<std::string>{"Shop", "Co"}));
  EXPECT_EQ(made.http01.edit_in_place, true);
  EXPECT_EQ(made.ingress.kind, "Ingress");
}

TEST(WantedCertificates, SayWhyNoneIsMade) {
  struct Row {
    std::string name;
    std::string value;
    json object;
    std::string message;
  };
  const std::vector<Row> rows{{"kubernetes.io/tls-acme", "true", with_tls(metadata("a"), "a.example", "t"),
                               "kubernetes.io/tls-acme asks for the default issuer, and none is configured"},
                              {"cert-manager.io/issuer", "ca", to_service("s"),
                               "a certificate is asked for, and no TLS section names a Secret and hosts"}};
  for (const Row& row : rows) {
    Cluster cluster;
    cluster.add_app("s").add_ingress(annotated(row.object, row.name, row.value));
    EXPECT_TRUE(cluster.take().certificates.empty());
    EXPECT_EQ(cluster.message("BadConfig"), row.message);
  }
}

TEST(WantedCertificates, OfTwoIngressesAreTheOldersAndGoWithTheLast) {
  Cluster cluster;
  cluster.add_app("s");
  const std::string issuer = "cert-manager.io/cluster-issuer";
  cluster.add_ingress(annotated(with_tls(metadata("a", "default", 20), "a.example", "t"), issuer, "le"));
  cluster.add_ingress(annotated(with_tls(metadata("b", "default", 10), "b.example", "t"), issuer, "le"));
  EXPECT_EQ(cluster.take().certificates.at({"default", "t"})->hosts, (std::vector<std::string>{"a.example"}));
  EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"BadConfig default/b"}));
  cluster.remove(resources::ingresses, "a");
  EXPECT_EQ(cluster.take().certificates.at({"default", "t"})->hosts, (std::vector<std::string>{"b.example"}));
  cluster.remove(resources::ingresses, "b");
  EXPECT_FALSE(cluster.take().certificates.at({"default", "t"}));
}

}  // namespace
}  // namespace kube
