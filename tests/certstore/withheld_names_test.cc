#include "certstore/withheld_names.h"

#include <gtest/gtest.h>

#include "tests/support/mint.h"

namespace certstore {
namespace {

class WithheldNamesTest : public testing::Test {
 protected:
  CertIndex with(const CertIndex& index, const std::string& name) {
    const test::Minted leaf = authority.issue({.names = {name}});
    return index.with(name, {.ecdsa = *Certificate::from_pem(leaf.chain_pem(), leaf.key_pem()), .rsa = nullptr});
  }
  test::Authority authority{"Test root"};
  WithheldNames names{{"www.example.com", "*.shop.example.com"}};
};

TEST_F(WithheldNamesTest, WaitForACertificateUnderThatVeryName) {
  const CertIndex empty;
  EXPECT_TRUE(names.withholds("www.example.com", empty));
  EXPECT_TRUE(names.withholds("WWW.example.com.", empty));
  const CertIndex above = with(empty, "*.example.com");
  EXPECT_TRUE(names.withholds("www.example.com", above)) << "one for the wildcard is not what was meant";
  EXPECT_FALSE(names.withholds("www.example.com", with(above, "www.example.com")));
}

TEST_F(WithheldNamesTest, BelowAWildcardAnyCertificateForTheNameIsGood) {
  const CertIndex empty;
  EXPECT_TRUE(names.withholds("a.shop.example.com", empty));
  EXPECT_FALSE(names.withholds("a.shop.example.com", with(empty, "*.shop.example.com")));
  EXPECT_FALSE(names.withholds("a.shop.example.com", with(empty, "a.shop.example.com")));
}

TEST_F(WithheldNamesTest, LeaveAllOtherNamesAlone) {
  const CertIndex empty;
  for (const char* other : {"", ".", "example.com", "shop.example.com", "a.b.shop.example.com", "wwww.example.com"}) {
    EXPECT_FALSE(names.withholds(other, empty)) << other;
  }
}

}  // namespace
}  // namespace certstore
