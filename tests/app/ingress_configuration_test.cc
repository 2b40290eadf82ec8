#include "app/ingress_configuration.h"

#include <gtest/gtest.h>

#include "config/parse.h"

namespace app {
namespace {

std::string refusal(const IngressWords& words) {
  const auto setup = ingress_setup(words);
  if (!setup) return setup.error().front();
  const auto configuration = ingress_configuration(words, {});
  return configuration ? "" : configuration.error().front();
}

TEST(IngressConfiguration, RefusesWhatItCannotObeyAndSaysWhatItExpected) {
  EXPECT_EQ(refusal({.publish_service = "edge"}), "--publish-service: found `edge`, expected NAMESPACE/NAME");
  EXPECT_NE(refusal({.publish_service = "a/b", .publish_addresses = {"192.0.2.1"}}), "");
  EXPECT_NE(refusal({.publish_service = "a/b", .name_space = "shop"}), "");
  EXPECT_NE(refusal({.publish_addresses = {"not an address"}}), "");
  EXPECT_NE(refusal({.name_space = "Shop"}), "");
  EXPECT_NE(refusal({.classes = {""}}), "");
  for (const char* text :
       {"web:80", "shop/web", "shop/web:0", "shop/web:", "shop/web:99999", "shop/web:a_b", "a/b/c:80"}) {
    EXPECT_NE(refusal({.default_backend = text}), "") << text;
  }
  EXPECT_NE(refusal({.name_space = "shop", .default_backend = "other/web:80"}), "");
  EXPECT_NE(refusal({.name_space = "shop", .mirrors = true}), "");
  for (const char* copy : {"", "a", "a=b", "a=b/", "=b/c", "a=/c", "a=B/c", "a=b/c_d", "a=b/c.", "b/c=a", "a=b/c/d"}) {
    EXPECT_NE(refusal({.copies = {copy}}), "") << copy;
  }
  EXPECT_NE(refusal({.copies = {"a=b/c", "d=b/c"}}), "");
  EXPECT_NE(refusal({.name_space = "shop", .copies = {"a=b/c"}}), "");
  EXPECT_NE(refusal({.listen = "here"}), "");
  EXPECT_NE(refusal({.http = "on"}), "");
  EXPECT_NE(refusal({.admin = "9180"}), "");
  EXPECT_NE(refusal({.trusted_proxies = {"10.0.0.0/99"}}), "");
}

TEST(IngressConfiguration, LeadsNoListenerOfAGatewayToWhateverATenantIssues) {
  config::Config base;
  base.mirrors.push_back({config::ApplicationGatewayMirror{.resource_id = "/x", .listeners = {"https"}}});
  const auto refused = ingress_configuration({}, base);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().front().find("`certificates`"), std::string::npos);
  std::get<config::ApplicationGatewayMirror>(base.mirrors[0].to).certificates = {{"shop/tls", ""}};
  EXPECT_TRUE(ingress_configuration({}, base));
}

TEST(IngressConfiguration, ListensWhereNobodySaysAnything) {
  const auto config = ingress_configuration({}, {});
  ASSERT_TRUE(config);
  ASSERT_EQ(config->listeners.size(), 2U);
  EXPECT_EQ(config->listeners[0].address.to_string(), ":8443");
  EXPECT_TRUE(config->listeners[0].tls);
  EXPECT_EQ(config->listeners[1].address.to_string(), ":8080");
  EXPECT_FALSE(config->admin);
  EXPECT_TRUE(config->state_directory.empty());
  EXPECT_EQ(ingress_configuration({.http = "off"}, {})->listeners.size(), 1U);
}

TEST(IngressConfiguration, TakesTheRestFromAFileThatNeedsNeitherListenersNorCertificates) {
  const char* const text = "limits: {header_count: 7}\ntrusted_proxies: [192.0.2.1]\nadmin: {address: '127.0.0.1:1'}\n";
  EXPECT_FALSE(config::parse(text, "sekisho.yaml"));
  const auto base = config::parse(text, "sekisho.yaml", config::Use::base);
  ASSERT_TRUE(base);
  const auto config = ingress_configuration({.admin = ":9180", .trusted_proxies = {"10.0.0.0/8"}}, *base);
  ASSERT_TRUE(config);
  EXPECT_EQ(config->limits.header_count, 7U);
  EXPECT_EQ(config->trusted_proxies.size(), 2U);
  EXPECT_EQ(config->admin->address.to_string(), ":9180");
  EXPECT_EQ(config->listeners.size(), 2U);
}

TEST(IngressConfiguration, LetsTheWordsReplaceTheFilesListenersOfTheirKind) {
  const auto base = config::parse("listeners: [{address: ':1', tls: true}, {address: ':2'}]", "f", config::Use::base);
  ASSERT_TRUE(base);
  EXPECT_EQ(ingress_configuration({}, *base)->listeners.size(), 2U);
  const auto config = ingress_configuration({.listen = ":3"}, *base);
  ASSERT_EQ(config->listeners.size(), 2U);
  EXPECT_EQ(config->listeners[0].address.to_string(), ":2");
  EXPECT_EQ(config->listeners[1].address.to_string(), ":3");
}

TEST(IngressConfiguration, KnowsADefaultBackendByNumberAndByName) {
  const auto by_number = ingress_setup({.default_backend = "shop/web:8080"});
  ASSERT_TRUE(by_number);
  EXPECT_EQ(by_number->translation.default_backend->port.number, 8080);
  EXPECT_EQ(ingress_setup({.default_backend = "shop/web:http"})->translation.default_backend->port.name, "http");
  EXPECT_EQ(ingress_setup({.classes = {"nginx", "azure/application-gateway"}})->translation.classes.taken_over.size(),
            2U);
}

}  // namespace
}  // namespace app
