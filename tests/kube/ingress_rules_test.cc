// What Ingresses say of requests: the tables of ingress-controller-conformance's features default_backend, host_rules,
// ingress_class, load_balancing and path_rules, asked of the translation and the route table together.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/kube/cluster_objects.h"

namespace kube {
namespace {

using test::Cluster;
using test::ingress;
using test::ingress_class;
using test::json;
using test::metadata;
using test::path_to;
using test::rule;

struct Asked {
  std::string host;
  std::string path;
  std::string answer;
};

void expect_answers(Cluster& cluster, const std::vector<Asked>& table) {
  for (const Asked& row : table) EXPECT_EQ(cluster.answer(row.host, row.path), row.answer) << row.host << row.path;
}

// ---- host_rules

TEST(HostRules, LeavesOutHostsThatAreNone) {
  Cluster cluster;
  cluster.add_ingress(
      ingress(metadata("a"), {rule("bad_host!", {path_to("/", "a")}), rule("good.example", {path_to("/", "b")}),
                              rule("*.*.example", {path_to("/", "c")})}));
  EXPECT_EQ(cluster.notices(),
            (std::vector<std::string>{"InvalidHost default/a", "InvalidHost default/a", "ServiceNotFound default/a"}));
  expect_answers(cluster, {{"good.example", "/", "default/b:80"}, {"bad_host!", "/", "none"}});
}

TEST(HostRules, SendsHostsToTheirServices) {
  Cluster cluster;
  cluster.add_ingress(ingress(metadata("hosts"), {rule("*.foo.com", {path_to("/", "wildcard-foo-com")}),
                                                  rule("foo.bar.com", {path_to("/", "foo-bar-com")})}));
  expect_answers(cluster, {{"foo.bar.com", "/", "default/foo-bar-com:80"},
                           {"foo.bar.com:8443", "/x", "default/foo-bar-com:80"},
                           {"bar.foo.com", "/", "default/wildcard-foo-com:80"},
                           {"baz.bar.foo.com", "/", "none"},
                           {"foo.com", "/", "none"},
                           {"subdomain.bar.com", "/", "none"},
                           {"other.com", "/", "none"}});
}

TEST(HostRules, PrefersTheExactHostAndTakesCapitals) {
  Cluster cluster;
  cluster.add_ingress(ingress(metadata("wild", "default", 50), {rule("*.foo.com", {path_to("/", "wild")})}));
  cluster.add_ingress(ingress(metadata("exact"), {rule("WWW.foo.com", {path_to("/", "exact")})}));
  expect_answers(cluster, {{"www.foo.com", "/", "default/exact:80"}, {"api.foo.com", "/", "default/wild:80"}});
}

TEST(HostRules, ServesAnyHostWhereNoneIsNamed) {
  Cluster cluster;
  cluster.add_ingress(ingress(metadata("any"), {rule("", {path_to("/app", "any")})}));
  cluster.add_ingress(ingress(metadata("one"), {rule("a.example", {path_to("/x", "one")})}));
  expect_answers(cluster, {{"b.example", "/app/1", "default/any:80"},
                           {"b.example", "/", "none"},
                           {"a.example", "/x", "default/one:80"},
                           {"a.example", "/app/1", "none"}});
}

// ---- path_rules

TEST(PathRules, FollowTheirTypeAndTheLongestPathFirst) {
  Cluster cluster;
  cluster.add_ingress(ingress(metadata("exact"), {rule("exact.example", {path_to("/foo", "foo-exact", "Exact")})}));
  cluster.add_ingress(ingress(metadata("prefix"), {rule("prefix.example", {path_to("/foo", "foo-prefix")})}));
  cluster.add_ingress(ingress(metadata("slash"), {rule("slash.example", {path_to("/aaa/bbb/", "aaa-slash-bbb-slash"),
                                                                         path_to("/foo/", "foo-slash")})}));
  cluster.add_ingress(ingress(
      metadata("mixed"), {rule("mixed.example", {path_to("/foo", "foo-prefix"), path_to("/foo", "foo-exact", "Exact"),
                                                 path_to("/aaa", "aaa"), path_to("/aaa/bbb", "aaa-bbb")})}));
  cluster.add_ingress(
      ingress(metadata("root"), {rule("root.example", {path_to("/", "root"), path_to("/aaa", "aaa")})}));
  expect_answers(cluster, {{"exact.example", "/foo", "default/foo-exact:80"},
                           {"exact.example", "/foo/", "none"},
                           {"exact.example", "/bar", "none"},
                           {"exact.example", "/FOO", "none"},
                           {"prefix.example", "/foo", "default/foo-prefix:80"},
                           {"prefix.example", "/foo/", "default/foo-prefix:80"},
                           {"prefix.example", "/foo/bar", "default/foo-prefix:80"},
                           {"prefix.example", "/foobar", "none"},
                           {"prefix.example", "/FOO", "none"},
                           {"slash.example", "/aaa/bbb", "default/aaa-slash-bbb-slash:80"},
                           {"slash.example", "/aaa/bbb/", "default/aaa-slash-bbb-slash:80"},
                           {"slash.example", "/aaa/bbb/ccc", "default/aaa-slash-bbb-slash:80"},
                           {"slash.example", "/aaa/bbbxyz", "none"},
                           {"slash.example", "/foo", "default/foo-slash:80"},
                           {"mixed.example", "/foo", "default/foo-exact:80"},
                           {"mixed.example", "/foo/", "default/foo-prefix:80"},
                           {"mixed.example", "/aaa/bbb/c", "default/aaa-bbb:80"},
                           {"mixed.example", "/aaa/b", "default/aaa:80"},
                           {"mixed.example", "/b", "none"},
                           {"root.example", "/ccc", "default/root:80"},
                           {"root.example", "/aaa/ccc", "default/aaa:80"}});
}

TEST(PathRules, LeaveOutPathsThatCannotBeMatched) {
  Cluster cluster;
  cluster.add_ingress(ingress(
      metadata("a"), {rule("a.example", {path_to("/x(.*)", "s", "ImplementationSpecific"), path_to("relative", "s"),
                                         path_to("/../x", "s"), path_to("/ok", "s")})}));
  cluster.add_app("s");
  EXPECT_EQ(cluster.notices(),
            (std::vector<std::string>{"InvalidPath default/a", "InvalidPath default/a", "InvalidPath default/a"}));
  EXPECT_EQ(cluster.answer("a.example", "/ok"), "default/s:80");
}

// ---- default_backend

TEST(DefaultBackend, TakesEveryRequestOfAnIngressWithoutRules) {
  Cluster cluster;
  cluster.add_ingress(
      ingress(metadata("d"), {}, {{"defaultBackend", {{"service", {{"name", "s"}, {"port", {{"number", 8080}}}}}}}}));
  for (const std::string host : {"foo.example", "my-host", "192.0.2.1"}) {
    for (const std::string path : {"/", "/sub", "/sub/other?x=1"}) {
      EXPECT_EQ(cluster.answer(host, path), "default/s:8080");
    }
  }
}

TEST(DefaultBackend, TakesWhatTheRulesOfItsIngressLeave) {
  Cluster cluster;
  const json rest{{"defaultBackend", {{"service", {{"name", "rest"}, {"port", {{"number", 80}}}}}}}};
  cluster.add_ingress(ingress(metadata("a"), {rule("a.example", {path_to("/app", "app")})}, rest));
  cluster.add_ingress(ingress(metadata("b"), {rule("b.example", {path_to("/app", "app")})}));
  expect_answers(cluster, {{"a.example", "/app", "default/app:80"},
                           {"a.example", "/other", "default/rest:80"},
                           {"unknown.example", "/", "default/rest:80"},
                           {"b.example", "/other", "none"}});
}

TEST(DefaultBackend, OfTheControllerTakesWhatNobodyWants) {
  Cluster cluster({.classes = {.taken_over = {"sekisho"}}, .default_backend = {{{"edge", "sorry"}, {.number = 80}}}});
  cluster.add_app("sorry", {"10.9.0.1"}, "edge");
  cluster.add_ingress(ingress(metadata("a"), {rule("a.example", {path_to("/app", "app")})}));
  expect_answers(cluster, {{"a.example", "/app", "default/app:80"},
                           {"a.example", "/", "default backend"},
                           {"b.example", "/", "default backend"}});
  EXPECT_EQ(cluster.endpoints("default backend"), "10.9.0.1:8080");
}

TEST(DefaultBackend, AnswersWith503WhereItIsNoService) {
  Cluster cluster;
  cluster.add_ingress(
      ingress(metadata("a"), {}, {{"defaultBackend", {{"resource", {{"kind", "Bucket"}, {"name", "icons"}}}}}}));
  EXPECT_EQ(cluster.answer("a.example", "/"), "503");
  EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"InvalidBackend default/a"}));
}

// ---- ingress_class

TEST(IngressClass, LeavesIngressesOfOthersAlone) {
  Cluster cluster(Translator::Options{});
  cluster.add_class(ingress_class("sekisho")).add_class(ingress_class("nginx", "k8s.io/ingress-nginx"));
  const std::vector<json> rules{rule("a.example", {path_to("/", "s")})};
  cluster.add_ingress(ingress(metadata("other"), rules, {{"ingressClassName", "some-invalid-class-name"}}));
  cluster.add_ingress(ingress(metadata("none"), rules, {{"ingressClassName", nullptr}}));
  cluster.add_ingress(ingress(metadata("nginx"), rules, {{"ingressClassName", "nginx"}}));
  const Changes changes = cluster.take();
  EXPECT_TRUE(changes.empty());
}

TEST(IngressClass, OfOursByControllerByTakenNameByAnnotationOrByDefault) {
  struct Row {
    std::string what;
    json more;
    std::string annotation;
    std::string answer;
  };
  const std::vector<Row> rows{
      {"by its IngressClass", {{"ingressClassName", "mine"}}, "", "default/s:80"},
      {"by a name taken over, of another controller", {{"ingressClassName", "nginx"}}, "", "default/s:80"},
      {"by a name taken over, without IngressClass", {{"ingressClassName", "azure-alb-external"}}, "", "default/s:80"},
      {"by the annotation of old", {{"ingressClassName", nullptr}}, "azure/application-gateway", "default/s:80"},
      {"by the annotation before the field", {{"ingressClassName", "other"}}, "nginx", "default/s:80"},
      {"not by the field behind the annotation", {{"ingressClassName", "nginx"}}, "other", "none"},
      {"as the default", {{"ingressClassName", nullptr}}, "", "default/s:80"},
      {"not of another", {{"ingressClassName", "other"}}, "", "none"},
  };
  for (const Row& row : rows) {
    Cluster cluster({.classes = {.taken_over = {"nginx", "azure-alb-external", "azure/application-gateway"}}});
    json mine = ingress_class("mine");
    mine["metadata"]["annotations"]["ingressclass.kubernetes.io/is-default-class"] = "true";
    cluster.add_class(mine).add_class(ingress_class("nginx", "k8s.io/ingress-nginx"));
    json object = ingress(metadata("a"), {rule("a.example", {path_to("/", "s")})}, row.more);
    if (!row.annotation.empty()) object = test::annotated(object, "kubernetes.io/ingress.class", row.annotation);
    cluster.add_ingress(object);
    EXPECT_EQ(cluster.answer("a.example", "/"), row.answer) << row.what;
  }
}

TEST(IngressClass, ServesAndLeavesAsClassesComeAndGo) {
  Cluster cluster(Translator::Options{});
  cluster.add_ingress(ingress(metadata("a"), {rule("a.example", {path_to("/", "s")})}));
  EXPECT_EQ(cluster.answer("a.example", "/"), "none");
  cluster.add_class(ingress_class("sekisho"));
  const Changes served = cluster.take();
  EXPECT_TRUE(served.ingresses.at({"default", "a"}));
  EXPECT_EQ(cluster.answer("a.example", "/"), "default/s:80");
  cluster.remove(resources::ingress_classes, "sekisho");
  const Changes left = cluster.take();
  EXPECT_FALSE(left.ingresses.at({"default", "a"}));
  EXPECT_TRUE(left.hosts.at("a.example").empty());
  EXPECT_EQ(left.backends.at("default/s:80"), nullptr);
}

// ---- load_balancing

TEST(LoadBalancing, KnowsEveryEndpointOnce) {
  Cluster cluster;
  cluster.add_ingress(ingress(metadata("a"), {rule("a.example", {path_to("/", "s")})}));
  cluster.add_service(test::service("s"));
  std::vector<std::string> addresses;
  std::string expected;
  for (int i = 1; i <= 10; ++i) addresses.push_back("10.1.0." + std::to_string(9 + i));
  for (const std::string& address : addresses) expected += (expected.empty() ? "" : " ") + address + ":8080";
  cluster.add_slice(test::slice("s-1", "s", {addresses.begin(), addresses.begin() + 6}));
  cluster.add_slice(test::slice("s-2", "s", {addresses.begin() + 4, addresses.end()}));
  EXPECT_EQ(cluster.endpoints("default/s:80"), expected);
}

// ---- two that want the same

TEST(HostPathTaken, TheOlderIngressWinsAndTheOtherIsTold) {
  Cluster cluster;
  cluster.add_ingress(
      ingress(metadata("young", "b", 10), {rule("a.example", {path_to("/", "young"), path_to("/x", "x")})}));
  cluster.add_app("young", {"10.1.0.1"}, "b").add_app("x", {"10.1.0.1"}, "b").add_app("old", {"10.1.0.1"}, "c");
  EXPECT_EQ(cluster.answer("a.example", "/"), "b/young:80");
  cluster.add_ingress(ingress(metadata("old", "c", 20), {rule("a.example", {path_to("/", "old")})}));
  expect_answers(cluster, {{"a.example", "/", "c/old:80"}, {"a.example", "/x", "b/x:80"}});
  EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"HostPathTaken b/young"}));
  EXPECT_EQ(cluster.message("HostPathTaken"),
            "spec.rules[0].http.paths[0]: host a.example and path / belong to Ingress c/old, which is older");
  cluster.remove(resources::ingresses, "old", "c");
  EXPECT_EQ(cluster.answer("a.example", "/"), "b/young:80");
  EXPECT_TRUE(cluster.notices().empty());
}

TEST(HostPathTaken, OfTheSameAgeTheFirstByNameWins) {
  Cluster cluster;
  cluster.add_ingress(ingress(metadata("b", "one"), {rule("a.example", {path_to("/", "b")})}));
  cluster.add_ingress(ingress(metadata("a", "one"), {rule("a.example", {path_to("/", "a")})}));
  EXPECT_EQ(cluster.answer("a.example", "/"), "one/a:80");
}

}  // namespace
}  // namespace kube
