#include "acme/target.h"

#include <gtest/gtest.h>

namespace acme {
namespace {

certstore::Facts facts_for(std::vector<std::string> names, std::vector<std::string> addresses = {}) {
  certstore::Facts facts;
  facts.dns_names = std::move(names);
  facts.ip_addresses = std::move(addresses);
  return facts;
}

TEST(Covers, NotWhatOneNameIsMissingOf) {
  EXPECT_FALSE(covers(facts_for({"a.test"}), identifiers_of({"a.test", "b.test"})));
  EXPECT_FALSE(covers(facts_for({"*.a.test"}), identifiers_of({"a.test"})));
  EXPECT_FALSE(covers(facts_for({"*.a.test"}), identifiers_of({"x.y.a.test"})));
  EXPECT_FALSE(covers(facts_for({"www.a.test"}), identifiers_of({"*.a.test"})));
  EXPECT_FALSE(covers(facts_for({}, {"192.0.2.1"}), identifiers_of({"192.0.2.2"})));
}

TEST(Covers, ByNameByWildcardAndByAddress) {
  EXPECT_TRUE(covers(facts_for({"a.test", "*.a.test"}), identifiers_of({"a.test", "www.a.test", "*.a.test"})));
  EXPECT_TRUE(covers(facts_for({}, {"192.0.2.1"}), identifiers_of({"192.0.2.1"})));
}

TEST(Targets, AreOneForEachKindOfKeyWithRecordsOfTheirOwn) {
  config::IssuedCertificate wanted;
  wanted.name = "*.example.com";
  wanted.hosts = {"*.example.com"};
  wanted.key.types = {config::CertificateKey::Type::ecdsa, config::CertificateKey::Type::rsa};
  const auto targets = targets_of(wanted);
  ASSERT_EQ(targets.size(), 2U);
  EXPECT_EQ(targets[0].certificate_key(), "certificates/_wildcard.example.com.ecdsa");
  EXPECT_EQ(targets[1].certificate_key(), "certificates/_wildcard.example.com.rsa");
  EXPECT_EQ(targets[1].failures_key(), "failures/_wildcard.example.com.rsa.json");
  EXPECT_NE(targets[0].journal_key("one"), targets[0].journal_key("two"));
  EXPECT_EQ(targets[0].identifiers, targets[1].identifiers);
}

}  // namespace
}  // namespace acme
