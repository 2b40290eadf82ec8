#include "acme/identifier.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace acme {
namespace {

using Type = Identifier::Type;

TEST(Identifier, RefusesNamesThatAreNone) {
  for (const char* text : {"null", "[]", R"({"type":"dns"})", R"({"type":"dns","value":""})",
                           R"({"type":"dns","value":"a/../b"})", R"({"type":"dns","value":"192.0.2.1"})",
                           R"({"type":"ip","value":"a.example"})", R"({"type":"email","value":"a@b"})"}) {
    EXPECT_FALSE(identifier_from(nlohmann::json::parse(text))) << text;
  }
}

TEST(Identifier, ComesInOneForm) {
  EXPECT_EQ(identifier_from({{"type", "dns"}, {"value", "WWW.Example"}}).value(),
            (Identifier{Type::dns, "www.example"}));
  EXPECT_EQ(identifier_from({{"type", "ip"}, {"value", "2001:DB8:0::1"}}).value(),
            (Identifier{Type::ip, "2001:db8::1"}));
  EXPECT_EQ(identifier_of("[2001:db8::1]"), (Identifier{Type::ip, "2001:db8::1"}));
}

TEST(Identifier, IsOrderedAndThereOnce) {
  const auto all = identifiers_of({"b.example", "192.0.2.1", "a.example", "b.example"});
  EXPECT_EQ(values_of(all), (std::vector<std::string>{"a.example", "b.example", "192.0.2.1"}));
}

TEST(Identifier, IsAuthorizedWithoutItsWildcard) {
  const Identifier wildcard = identifier_of("*.a.example");
  EXPECT_TRUE(wildcard.wildcard());
  EXPECT_EQ(wildcard.base(), identifier_of("a.example"));
}

// RFC 8738 §6
TEST(Identifier, OfAnAddressIsAskedForByItsReverseName) {
  EXPECT_EQ(identifier_of("a.example").alpn_server_name(), "a.example");
  EXPECT_EQ(identifier_of("192.0.2.1").alpn_server_name(), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(identifier_of("2001:db8::1").alpn_server_name(),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

}  // namespace
}  // namespace acme
