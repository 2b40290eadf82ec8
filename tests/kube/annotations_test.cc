// Annotations, one row each: what they do to routes and backends, and what is said about those that do nothing.
#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "kube/annotation_values.h"
#include "kube/annotations.h"
#include "tests/kube/cluster_objects.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
using test::annotated;
using test::Cluster;
using test::ingress;
using test::json;
using test::metadata;
using test::path_to;
using test::rule;

using Annotations = std::vector<std::pair<std::string, std::string>>;

const std::string nginx = "nginx.ingress.kubernetes.io/";
const std::string agic = "appgw.ingress.kubernetes.io/";

Cluster cluster_with(const Annotations& annotations, const json& path = path_to("/app", "s")) {
  json object = ingress(metadata("a"), {rule("a.example", {path})});
  for (const auto& [name, value] : annotations) object = annotated(object, name, value);
  Cluster cluster;
  cluster.add_app("s").add_ingress(object);
  return cluster;
}

TEST(AnnotationTables, NameEachOnceAndSayOfEachWhatItDoes) {
  for (const AnnotationFamily& family : annotation_families()) {
    std::set<std::string_view> seen;
    for (const AnnotationRows table : family.tables) {
      for (const AnnotationRow& row : table) {
        EXPECT_TRUE(seen.insert(row.name).second) << family.prefix << row.name << " twice";
        const bool works = row.support == AnnotationRow::Support::works;
        EXPECT_EQ(works, row.effect != nullptr) << row.name;
        EXPECT_EQ(works, row.advice.empty()) << row.name;
      }
    }
  }
}

// Whatever people write into an annotation that works, it is taken or they are told.
TEST(AnnotationTables, RefuseNonsense) {
  const std::set<std::string_view> any_text{"ingress.class",
                                            "issuer",
                                            "cluster-issuer",
                                            "issuer-kind",
                                            "issuer-group",
                                            "common-name",
                                            "email-sans",
                                            "ip-sans",
                                            "uri-sans",
                                            "subject-organizations",
                                            "subject-countries",
                                            "subject-organizationalunits",
                                            "subject-provinces",
                                            "subject-localities",
                                            "subject-postalcodes",
                                            "subject-streetaddresses",
                                            "subject-serialnumber",
                                            "http01-ingress-class",
                                            "proxy-next-upstream",
                                            "http01-ingress-ingressclassname",
                                            "acme-http01-ingress-class"};
  for (const AnnotationFamily& family : annotation_families()) {
    for (const AnnotationRows table : family.tables) {
      for (const AnnotationRow& row : table) {
        if (row.support != AnnotationRow::Support::works || any_text.contains(row.name)) continue;
        IngressSettings settings;
        EXPECT_FALSE(row.effect("\x01 no sense", settings)) << family.prefix << row.name;
      }
    }
  }
}

TEST(Annotations, TellWhatIsWrongAndGoOnAsIfItWereNotThere) {
  struct Row {
    std::string name;
    std::string value;
    std::string reason;
    std::string message;
  };
  const std::vector<Row> rows{
      {nginx + "proxy-read-timeout", "soon", "InvalidAnnotation",
       "annotation nginx.ingress.kubernetes.io/proxy-read-timeout is ignored: found `soon`, expected seconds, 1 to "
       "86400"},
      {nginx + "proxy-raed-timeout", "60", "UnknownAnnotation",
       "annotation `nginx.ingress.kubernetes.io/proxy-raed-timeout` is not known and ignored (did you mean "
       "`nginx.ingress.kubernetes.io/proxy-read-timeout`?)"},
      {nginx + "configuration-snippet", "more_set_headers x;", "UnsupportedAnnotation",
       "annotation nginx.ingress.kubernetes.io/configuration-snippet is not supported and ignored: text of nginx's "
       "configuration means nothing here; use the annotation for what it does, or the configuration file"},
      {nginx + "proxy-buffering", "on", "InertAnnotation",
       "annotation nginx.ingress.kubernetes.io/proxy-buffering has nothing to do here: bodies are passed on as they "
       "come, and never kept"},
      {nginx + "affinity-mode", "balanced", "InvalidAnnotation",
       "annotation nginx.ingress.kubernetes.io/affinity-mode is ignored: found `balanced`, expected persistent: a "
       "client is never taken from an endpoint that it can go on using"},
      {nginx + "session-cookie-domain", "b.example", "UnsupportedAnnotation",
       "annotation nginx.ingress.kubernetes.io/session-cookie-domain is not supported and ignored: the cookie is for "
       "the host that the request was sent to"},
      {"cert-manager.io/cluster-isuer", "x", "UnknownAnnotation",
       "annotation `cert-manager.io/cluster-isuer` is not known and ignored (did you mean "
       "`cert-manager.io/cluster-issuer`?)"},
  };
  for (const Row& row : rows) {
    Cluster cluster = cluster_with({{row.name, row.value}});
    EXPECT_EQ(cluster.notices(), (std::vector<std::string>{row.reason + " default/a"})) << row.name;
    EXPECT_EQ(cluster.message(row.reason), row.message);
    EXPECT_EQ(cluster.answer("a.example", "/app"), "default/s:80") << row.name;
  }
}

TEST(Annotations, SayNothingOfWhatIsSwitchedOffAndOfOthersPrefixes) {
  for (const auto& [name, value] : Annotations{{nginx + "enable-cors", "false"},
                                               {nginx + "enable-modsecurity", "false"},
                                               {nginx + "ssl-passthrough", "false"},
                                               {agic + "cookie-based-affinity", "false"},
                                               {agic + "connection-draining", "true"},
                                               {"external-dns.alpha.kubernetes.io/hostname", "x"},
                                               {"alb.ingress.kubernetes.io/scheme", "internet-facing"},
                                               {"kubernetes.io/change-cause", "x"}}) {
    EXPECT_TRUE(cluster_with({{name, value}}).notices().empty()) << name;
  }
}

// Served without the guard it would be open to everybody.
TEST(Annotations, ThatKeepStrangersOutCloseWhatCannotBeGuarded) {
  for (const std::string name : {"whitelist-source-range", "allowlist-source-range", "denylist-source-range",
                                 "auth-url", "auth-type", "auth-tls-secret", "ssl-passthrough"}) {
    Cluster cluster = cluster_with({{nginx + name, "10.0.0.0/8"}});
    EXPECT_EQ(cluster.answer("a.example", "/app"), "503") << name;
    EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"UnsupportedAnnotation default/a"})) << name;
  }
}

TEST(Annotations, LeaveOutCanaries) {
  Cluster cluster = cluster_with({{nginx + "canary", "true"}, {nginx + "canary-weight", "10"}});
  EXPECT_EQ(cluster.answer("a.example", "/app"), "none");
  EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"UnsupportedAnnotation default/a"}));
}

using Edit = void (*)(config::Backend&);

void expect_backend(const Annotations& annotations, Edit edit) {
  Cluster cluster = cluster_with(annotations);
  config::Backend expected;
  expected.endpoints = {{"10.1.0.1", 8080, 1}};
  edit(expected);
  expected.name = cluster.answer("a.example", "/app");
  EXPECT_TRUE(cluster.notices().empty()) << annotations.front().first;
  ASSERT_TRUE(cluster.backends.contains(expected.name)) << annotations.front().first;
  EXPECT_TRUE(cluster.backend(expected.name) == expected) << annotations.front().first;
}

TEST(NginxAnnotations, SayHowToSpeakToBackends) {
  using B = config::Backend;
  constexpr auto http2 = config::UpstreamProtocol::http2;
  expect_backend({{nginx + "backend-protocol", "HTTPS"}}, [](B& b) { b.tls = config::UpstreamTls{.verify = false}; });
  expect_backend({{nginx + "backend-protocol", "GRPC"}}, [](B& b) { b.protocol = http2; });
  expect_backend({{nginx + "backend-protocol", "GRPCS"},
                  {nginx + "proxy-ssl-verify", "on"},
                  {nginx + "proxy-ssl-name", "in.example"}},
                 [](B& b) {
                   b.protocol = http2;
                   b.tls = config::UpstreamTls{.verify = true, .server_name = "in.example"};
                 });
  expect_backend({{nginx + "proxy-ssl-verify", "on"}}, [](B&) {});  // no TLS to the backend: nothing to verify
  expect_backend({{nginx + "proxy-connect-timeout", "7"}}, [](B& b) { b.timeouts.connect = 7s; });
  expect_backend({{nginx + "proxy-read-timeout", "7200"}},
                 [](B& b) { b.timeouts.first_byte = b.timeouts.idle = b.timeouts.upgraded_idle = 7200s; });
  expect_backend({{nginx + "proxy-send-timeout", "120"}}, [](B& b) { b.timeouts.idle = 120s; });
  expect_backend({{nginx + "upstream-vhost", "in.example:81"}}, [](B& b) { b.host_header = "in.example:81"; });
  expect_backend({{nginx + "load-balance", "ewma"}}, [](B& b) { b.balance = config::Balance::least_requests; });
  expect_backend({{nginx + "proxy-next-upstream-tries", "3"}}, [](B& b) { b.retries.attempts = 2; });
  expect_backend({{nginx + "proxy-next-upstream", "off"}}, [](B& b) { b.retries.attempts = 0; });
  expect_backend({{nginx + "service-upstream", "true"}}, [](B& b) { b.endpoints = {{"10.0.0.1", 80, 1}}; });
}

TEST(NginxAnnotations, LeadClientsBackByACookie) {
  using B = config::Backend;
  // What replicas share and clients cannot know: the Service's UID.
  expect_backend({{nginx + "affinity", "cookie"}},
                 [](B& b) { b.affinity = config::AffinityCookie{.name = "INGRESSCOOKIE", .key = "default-s"}; });
  expect_backend({{nginx + "affinity", "cookie"},
                  {nginx + "affinity-mode", "persistent"},
                  {nginx + "session-cookie-name", "route"},
                  {nginx + "session-cookie-path", "/app"},
                  {nginx + "session-cookie-expires", "100"},
                  {nginx + "session-cookie-max-age", "172800"},
                  {nginx + "session-cookie-samesite", "Strict"},
                  {nginx + "session-cookie-secure", "true"}},
                 [](B& b) {
                   b.affinity = config::AffinityCookie{.name = "route",
                                                       .max_age = 48h,
                                                       .path = "/app",
                                                       .same_site = config::SameSite::strict,
                                                       .secure = true,
                                                       .key = "default-s"};
                 });
  expect_backend({{nginx + "session-cookie-name", "route"}}, [](B&) {});  // a name makes nobody sticky
}

TEST(NginxAnnotations, RefuseCookiesThatWouldEndTheirField) {
  for (const auto& [name, value] : Annotations{{"session-cookie-name", "a=b; Domain"},
                                               {"session-cookie-name", "a\r\nx: y"},
                                               {"session-cookie-path", "/; Domain=b.example"},
                                               {"session-cookie-path", "/a\r\nx: y"},
                                               {"session-cookie-max-age", "1; Secure"},
                                               {"session-cookie-samesite", "Lax; Secure"}}) {
    Cluster cluster = cluster_with({{nginx + "affinity", "cookie"}, {nginx + name, value}});
    EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"InvalidAnnotation default/a"})) << name;
  }
}

TEST(AgicAnnotations, LeadClientsBackByACookie) {
  expect_backend({{agic + "cookie-based-affinity", "true"}}, [](config::Backend& b) {
    b.affinity = config::AffinityCookie{.name = "ApplicationGatewayAffinity", .key = "default-s"};
  });
}

TEST(AgicAnnotations, SayHowToSpeakToBackends) {
  using B = config::Backend;
  expect_backend({{agic + "backend-protocol", "https"}}, [](B& b) { b.tls = config::UpstreamTls{.verify = false}; });
  expect_backend({{agic + "backend-protocol", "https"}, {agic + "backend-hostname", "in.example"}}, [](B& b) {
    b.host_header = "in.example";
    b.tls = config::UpstreamTls{.verify = true, .server_name = "in.example"};
  });
  expect_backend({{agic + "request-timeout", "20"}}, [](B& b) { b.timeouts.first_byte = 20s; });
  expect_backend({{agic + "health-probe-path", "/healthz"},
                  {agic + "health-probe-hostname", "in.example"},
                  {agic + "health-probe-interval", "31"},
                  {agic + "health-probe-timeout", "32"},
                  {agic + "health-probe-unhealthy-threshold", "4"},
                  {agic + "health-probe-status-codes", "200-299, 301"}},
                 [](B& b) {
                   b.health_check = config::HealthCheck{.path = "/healthz",
                                                        .host = "in.example",
                                                        .interval = 31s,
                                                        .timeout = 32s,
                                                        .unhealthy_after = 4,
                                                        .status_from = 200,
                                                        .status_to = 301};
                 });
}

TEST(NginxAnnotations, RewriteThePathsThatStandForAPrefix) {
  struct Row {
    std::string path;
    std::string target;
    std::string prefix;  // of the route; empty: left out
    std::string replacement;
  };
  const std::vector<Row> rows{
      {"/app(/|$)(.*)", "/$2", "/app", "/"},
      {"/app(/|$)(.*)", "/api/$2", "/app", "/api/"},
      {"/app/?(.*)", "/$1", "/app", "/"},
      {"/app/(.*)", "/v2/$1", "/app", "/v2/"},
      {"/(.*)", "/$1", "/", "/"},
      {"/app", "/", "/app", "/"},
      {"/app(/|$)(.*)", "/$1", "", ""},
      {"/app/([0-9]+)", "/$1", "", ""},
      {"/app(/|$)(.*)", "/x$2y", "", ""},
      {"/(a|b)/(.*)", "/$2", "", ""},
  };
  for (const Row& row : rows) {
    Cluster cluster = cluster_with({{nginx + "rewrite-target", row.target}, {nginx + "use-regex", "true"}},
                                   path_to(row.path, "s", "ImplementationSpecific"));
    (void)cluster.take();
    EXPECT_EQ(cluster.hosts.contains("a.example"), !row.prefix.empty()) << row.path;
    if (row.prefix.empty()) {
      EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"InvalidPath default/a"})) << row.path;
      continue;
    }
    const config::Route& route = cluster.route("a.example");
    EXPECT_EQ(route.path.path, row.prefix) << row.path;
    EXPECT_EQ(std::get<config::ToBackend>(route.action).replace_prefix, row.replacement) << row.path;
  }
}

// It is written into request lines to backends: a line break in it would be a second request on their connection.
TEST(NginxAnnotations, RefuseARewriteTargetThatIsNoPath) {
  const std::vector<std::string> targets{"/x HTTP/1.1\r\nhost: b.example\r\n\r\nGET /y",
                                         "/x\ry",
                                         "/x\ny",
                                         "/x y",
                                         "/x\ty",
                                         std::string("/x\0y", 4),
                                         "/x\x7fy",
                                         "/\xc3\xa4",
                                         "$2\r\nx: y",
                                         "/x?y=z",
                                         "/x#y",
                                         "/../x",
                                         "x",
                                         "http://b.example/",
                                         ""};
  for (const std::string& target : targets) {
    for (const char* type : {"ImplementationSpecific", "Exact", "Prefix"}) {
      Cluster cluster = cluster_with({{nginx + "rewrite-target", target}}, path_to("/app", "s", type));
      (void)cluster.take();
      EXPECT_EQ(cluster.notices(), (std::vector<std::string>{"InvalidAnnotation default/a"})) << target;
      const auto& action = std::get<config::ToBackend>(cluster.route("a.example").action);
      EXPECT_FALSE(action.replace_prefix.has_value()) << target;
    }
  }
}

TEST(NginxAnnotations, ShapeRoutes) {
  EXPECT_EQ(cluster_with({{nginx + "proxy-body-size", "8m"}}).route("a.example").body_size, config::Bytes{8U << 20U});
  EXPECT_EQ(cluster_with({{nginx + "proxy-body-size", "0"}}).route("a.example").body_size, config::Bytes{0});
  EXPECT_EQ(cluster_with({{nginx + "x-forwarded-prefix", "/app"}}).route("a.example").request_headers.set,
            (std::vector<config::HeaderField>{{"x-forwarded-prefix", "/app"}}));

  Cluster alias = cluster_with({{nginx + "server-alias", "b.example, c.example"}});
  EXPECT_EQ(alias.answer("b.example", "/app"), "default/s:80");
  EXPECT_EQ(alias.answer("c.example", "/app"), "default/s:80");

  Cluster root = cluster_with({{nginx + "app-root", "/app"}});
  EXPECT_EQ(root.answer("a.example", "/"), "302");
  EXPECT_EQ(root.answer("a.example", "/app"), "default/s:80");

  Cluster moved = cluster_with(
      {{nginx + "permanent-redirect", "https://new.example/x"}, {nginx + "permanent-redirect-code", "308"}});
  config::Redirect expected{.status = 308};
  expected.scheme = "https";
  expected.host = "new.example";
  expected.path = "/x";
  EXPECT_EQ(std::get<config::Redirect>(moved.route("a.example").action), expected);

  Cluster www = cluster_with({{nginx + "from-to-www-redirect", "true"}});
  EXPECT_EQ(www.answer("www.a.example", "/x"), "308");
  www.add_ingress(ingress(metadata("b"), {rule("www.a.example", {path_to("/", "b")})}));
  EXPECT_EQ(www.answer("www.a.example", "/x"), "default/b:80");
}

TEST(SslRedirect, FollowsAnnotationTlsSectionAndHabit) {
  const auto tls = [](json section) { return json{{"tls", json::array({std::move(section)})}}; };
  const json own = tls({{"hosts", {"a.example"}}, {"secretName", "t"}});
  struct Row {
    std::string class_name;
    json more;
    std::string annotation;
    std::string value;
    bool redirects;
  };
  const std::vector<Row> rows{
      {"nginx", json::object(), "", "", false},
      {"nginx", own, "", "", true},
      {"nginx", own, nginx + "ssl-redirect", "false", false},
      {"nginx", json::object(), nginx + "ssl-redirect", "true", false},
      {"nginx", json::object(), nginx + "force-ssl-redirect", "true", true},
      {"azure-application-gateway", own, "", "", false},
      {"azure-application-gateway", own, agic + "ssl-redirect", "true", true},
      {"azure-application-gateway", json::object(), agic + "ssl-redirect", "true", false},
      {"nginx", tls({{"hosts", {"*.example"}}}), "", "", true},
      {"nginx", tls({{"hosts", {"b.example"}}}), "", "", false},
      {"nginx", tls({{"secretName", "t"}}), "", "", true},
  };
  for (const Row& row : rows) {
    Cluster cluster({.classes = {.taken_over = {"nginx", "azure-application-gateway"}}});
    json object = ingress(metadata("a"), {rule("a.example", {path_to("/", "s")})}, row.more);
    object["spec"]["ingressClassName"] = row.class_name;
    if (!row.annotation.empty()) object = annotated(object, row.annotation, row.value);
    cluster.add_ingress(object);
    EXPECT_EQ(cluster.route("a.example").redirect_to_https, row.redirects)
        << row.class_name << row.more << row.annotation << row.value;
  }
}

TEST(AgicAnnotations, ReplaceThePathAndNameMoreHosts) {
  Cluster cluster = cluster_with({{agic + "backend-path-prefix", "/in/"}, {agic + "hostname-extension", "b.example"}},
                                 path_to("/app/*", "s", "ImplementationSpecific"));
  const config::Route& route = cluster.route("b.example");
  EXPECT_EQ(route.path, (config::PathMatch{config::PathMatch::Kind::prefix, "/app"}));
  EXPECT_EQ(std::get<config::ToBackend>(route.action).replace_prefix, "/in/");
}

TEST(AnnotationValues, AreReadAsTheirToolsWriteThem) {
  EXPECT_EQ(parse_go_duration("2160h"), 2160h);
  EXPECT_EQ(parse_go_duration("1h30m5s"), 5405s);
  for (const std::string_view bad : {"", "1", "1d", "-1h", "0s", "99999999999999999999h", "h", "876001h"}) {
    EXPECT_FALSE(parse_go_duration(bad)) << bad;
  }
  EXPECT_EQ(parse_nginx_size("1G"), (config::Bytes{1U << 30U}));
  for (const std::string_view bad : {"", "m", "1t", "1mm", "-1", "9999999999g"}) {
    EXPECT_FALSE(parse_nginx_size(bad)) << bad;
  }
  EXPECT_EQ(parse_seconds("60s"), 60s);
  for (const std::string_view bad : {"", "0", "1m", "86401"}) EXPECT_FALSE(parse_seconds(bad)) << bad;
  for (const std::string_view bad : {"", "x", "ftp://a/", "https://", "https://a b/", "https://a/?q", "https://$x/",
                                     "/$1", "https://$host:8443$request_uri"}) {
    EXPECT_FALSE(parse_redirect_target(bad)) << bad;
  }
  const auto same = parse_redirect_target("https://$host$request_uri");
  ASSERT_TRUE(same);
  EXPECT_EQ(same->scheme, "https");
  EXPECT_FALSE(same->host || same->path);
  EXPECT_EQ(parse_redirect_target("http://a.example:81")->port, 81);
}

}  // namespace
}  // namespace kube
