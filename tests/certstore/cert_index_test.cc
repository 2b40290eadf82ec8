#include "certstore/cert_index.h"

#include <gtest/gtest.h>

#include "tests/support/mint.h"

namespace certstore {
namespace {

CertPair pair_for(const std::string& name) {
  const test::Minted minted = test::self_signed({.names = {name}});
  return {.ecdsa = *Certificate::from_pem(minted.certificate_pem(), minted.key_pem()), .rsa = nullptr};
}

TEST(CertIndex, HasNothingForUnknownEmptyOrOverlongNames) {
  const CertIndex index = CertIndex().with("a.example.com", pair_for("a.example.com"));
  EXPECT_EQ(index.find("b.example.com"), nullptr);
  EXPECT_EQ(index.find(""), nullptr);
  EXPECT_EQ(index.find("."), nullptr);
  EXPECT_EQ(index.find(".example.com"), nullptr);
  EXPECT_EQ(index.find(std::string(256, 'a')), nullptr);
  EXPECT_EQ(index.find(std::string(100'000, '.')), nullptr);
  EXPECT_EQ(index.find(std::string("a.example.com\0", 14)), nullptr);
  EXPECT_EQ(index.fallback(), nullptr);
}

TEST(CertIndex, LetsAWildcardStandForOneLabelOnly) {
  const CertIndex index = CertIndex().with("*.example.com", pair_for("*.example.com"));
  EXPECT_NE(index.find("www.example.com"), nullptr);
  EXPECT_NE(index.find("x.EXAMPLE.com."), nullptr);
  EXPECT_EQ(index.find("example.com"), nullptr);
  EXPECT_EQ(index.find("a.www.example.com"), nullptr);
  EXPECT_EQ(index.find(".example.com"), nullptr);
}

TEST(CertIndex, PrefersExactNameOverWildcard) {
  const CertPair exact = pair_for("www.example.com");
  const CertIndex index = CertIndex().with("*.example.com", pair_for("*.example.com")).with("www.example.com", exact);
  EXPECT_EQ(*index.find("WWW.example.COM"), exact);
  EXPECT_NE(*index.find("api.example.com"), exact);
  EXPECT_EQ(index.size(), 2U);
}

TEST(CertIndex, LeavesTheOldIndexAsItWas) {
  const CertPair first = pair_for("a.example.com");
  const CertPair second = pair_for("a.example.com");
  const CertIndex old = CertIndex().with("a.example.com", first);
  const CertIndex changed = old.with("a.example.com", second).with_fallback(first);
  const CertIndex removed = changed.with("a.example.com", {});
  EXPECT_EQ(*old.find("a.example.com"), first);
  EXPECT_EQ(*changed.find("a.example.com"), second);
  EXPECT_EQ(*changed.fallback(), first);
  EXPECT_EQ(removed.find("a.example.com"), nullptr);
  EXPECT_EQ(removed.size(), 0U);
}

TEST(CertIndex, FindsEveryOneOfManyNames) {
  const CertPair one = pair_for("a.example.com");
  std::unordered_map<std::string, CertPair> changes;
  for (int i = 0; i < 5000; ++i) changes.emplace("host" + std::to_string(i) + ".example.com", one);
  const CertIndex index = CertIndex().with(changes);
  EXPECT_EQ(index.size(), 5000U);
  for (const auto& [name, pair] : changes) ASSERT_NE(index.find(name), nullptr) << name;
}

}  // namespace
}  // namespace certstore
