#include "app/proxy_configuration.h"

#include <gtest/gtest.h>

#include <cstdlib>

namespace app {
namespace {

std::string endpoint_of(const std::string& to) {
  const auto config = proxy_configuration({.to = to, .state = "/state"});
  return config ? config->backends.at("app").endpoints.front().to_string() : "refused: " + config.error().front();
}

TEST(ProxyConfiguration, RefusesWhatIsNoAddress) {
  for (const char* to : {"127.0.0.1:99999", "no spaces:80", "a:b:c:80"}) {
    EXPECT_TRUE(endpoint_of(to).starts_with("refused")) << to;
  }
  EXPECT_FALSE(proxy_configuration({.to = "3000", .listen = "somewhere", .state = "/state"}));
}

TEST(ProxyConfiguration, NamesTheOptionThatIsWrong) {
  const auto refused =
      proxy_configuration({.to = "nope:99999", .hosts = {"app.localhost"}, .listen = "70000", .http = "70000"});
  ASSERT_FALSE(refused);
  std::string all;
  for (const std::string& problem : refused.error()) all += problem + '\n';
  for (const char* part : {"--listen: found `70000`", "--http: found `70000`", "--to: found `nope:99999`"}) {
    EXPECT_NE(all.find(part), std::string::npos) << part << " in " << all;
  }
}

TEST(ProxyConfiguration, SaysHowToListenWithoutTheRightTo) {
  const base::Error denied{base::Code::io, "listen on :443: Permission denied"};
  EXPECT_NE(with_advice(denied, 443).find("CAP_NET_BIND_SERVICE; --listen :8443"), std::string::npos);
  EXPECT_EQ(with_advice(denied, 8443), denied.what);
  EXPECT_EQ(with_advice({base::Code::io, "listen on :443: Address already in use"}, 443),
            "listen on :443: Address already in use");
}

TEST(ProxyConfiguration, UnderstandsWhatPeopleType) {
  EXPECT_EQ(endpoint_of("3000"), "127.0.0.1:3000");
  EXPECT_EQ(endpoint_of("127.0.0.1:3000"), "127.0.0.1:3000");
  EXPECT_EQ(endpoint_of("http://app:3000/"), "app:3000");
  EXPECT_EQ(endpoint_of("https://app.internal"), "app.internal:443");
}

TEST(ProxyConfiguration, SpeaksTlsToHttpsTargetsOnly) {
  EXPECT_TRUE(proxy_configuration({.to = "https://app", .state = "/state"})->backends.at("app").tls);
  EXPECT_FALSE(proxy_configuration({.to = "http://app", .state = "/state"})->backends.at("app").tls);
}

TEST(ProxyConfiguration, RedirectsFromHttpWhereAsked) {
  const auto config = proxy_configuration({.to = "3000", .http = ":8080", .state = "/state"});
  ASSERT_TRUE(config);
  ASSERT_EQ(config->listeners.size(), 2U);
  EXPECT_FALSE(config->listeners[1].tls);
  EXPECT_TRUE(config->routes.front().redirect_to_https);
}

TEST(CanonicalHosts, RefuseWhatNoCertificateCanName) {
  const auto hosts = canonical_hosts({"app.localhost", "a b", "*", ""});
  ASSERT_FALSE(hosts.has_value());
  ASSERT_EQ(hosts.error().size(), 3U);
  EXPECT_EQ(hosts.error()[0].substr(0, 33), "--host: found `a b`, expected a h");
}

TEST(CanonicalHosts, AreWhatCertificatesHave) {
  const auto hosts = canonical_hosts({"App.Localhost",
                                      "b\xc3\xbc"
                                      "cher.example",
                                      "127.0.0.1", "::1"});
  ASSERT_TRUE(hosts.has_value());
  EXPECT_EQ(*hosts, (std::vector<std::string>{"app.localhost", "xn--bcher-kva.example", "127.0.0.1", "::1"}));
}

TEST(ProxyCertificateNames, AddsWhatADeveloperTypesOnce) {
  EXPECT_EQ(proxy_certificate_names({"app.localhost", "localhost"}),
            (std::vector<std::string>{"app.localhost", "localhost", "127.0.0.1", "::1"}));
}

class CurlLine : public testing::Test {
 protected:
  void SetUp() override {
    ::unsetenv("https_proxy");
    ::unsetenv("HTTPS_PROXY");
  }
};

TEST_F(CurlLine, ResolvesANameThatOnlyThisMachineKnows) {
  EXPECT_EQ(curl_line("shop.example", {.host = "", .port = 8443}, "/state/ca.crt"),
            "curl --cacert /state/ca.crt --resolve shop.example:8443:127.0.0.1 https://shop.example:8443/");
  EXPECT_EQ(curl_line("app.localhost", {.host = "192.0.2.1", .port = 443}, "/state/ca.crt"),
            "curl --cacert /state/ca.crt --resolve app.localhost:443:192.0.2.1 https://app.localhost/");
}

TEST_F(CurlLine, IsShortForLocalhost) {
  EXPECT_EQ(curl_line("app.localhost", {.host = "::", .port = 8443}, "/state/ca.crt"),
            "curl --cacert /state/ca.crt https://app.localhost:8443/");
}

TEST_F(CurlLine, QuotesAPathForTheShell) {
  EXPECT_EQ(curl_line("localhost", {.host = "127.0.0.1", .port = 443}, "/my 'state'/ca.crt"),
            R"(curl --cacert '/my '\''state'\''/ca.crt' https://localhost/)");
}

}  // namespace
}  // namespace app
