#include "acme/caa.h"

#include <gtest/gtest.h>

namespace acme {
namespace {

struct Case {
  const char* name;
  std::vector<std::pair<std::string, std::string>> records;  // tag ("!" in front: critical), value
  bool wildcard;
  bool allowed;
};

std::vector<ResourceRecord> records_of(const Case& c) {
  std::vector<ResourceRecord> records;
  for (const auto& [tag, value] : c.records) {
    const bool critical = tag.starts_with('!');
    records.push_back({.owner = "example.test",
                       .type = DnsType::caa,
                       .content = value,
                       .caa_flags = static_cast<std::uint8_t>(critical ? 128 : 0),
                       .caa_tag = critical ? tag.substr(1) : tag});
  }
  return records;
}

constexpr bool name = false;
constexpr bool wildcard = true;
const Case cases[] = {
    {"nothing there", {}, name, true},
    {"only iodef", {{"iodef", "mailto:a@example.test"}}, name, true},
    {"another CA", {{"issue", "other.test"}}, name, false},
    {"ours", {{"issue", "ca.test"}}, name, true},
    {"ours in capitals", {{"issue", " CA.Test "}}, name, true},
    {"ours by its second name", {{"issue", "ca2.test"}}, name, true},
    {"ours among others", {{"issue", "other.test"}, {"issue", "ca.test"}}, name, true},
    {"nobody", {{"issue", ";"}}, name, false},
    {"nobody, empty", {{"issue", ""}}, name, false},
    {"longer than ours", {{"issue", "evilca.test"}}, name, false},
    {"malformed", {{"issue", "ca.test accounturi=x"}}, name, false},
    {"malformed parameter", {{"issue", "ca.test; accounturi"}}, name, false},
    {"unknown parameter", {{"issue", "ca.test; policy=ev"}}, name, true},
    {"unknown property", {{"future", "x"}}, name, true},
    {"unknown critical property", {{"!future", "x"}, {"issue", "ca.test"}}, name, false},
    {"known critical property", {{"!issue", "ca.test"}}, name, true},
    {"wildcard under issue", {{"issue", "ca.test"}}, wildcard, true},
    {"wildcard under another's issue", {{"issue", "other.test"}}, wildcard, false},
    {"wildcard forbidden", {{"issue", "ca.test"}, {"issuewild", ";"}}, wildcard, false},
    {"issuewild does not count for a name", {{"issue", "ca.test"}, {"issuewild", ";"}}, name, true},
    {"issuewild alone lets a name be", {{"issuewild", ";"}}, name, true},
    {"wildcard allowed", {{"issue", ";"}, {"issuewild", "ca.test"}}, wildcard, true},
    {"our account", {{"issue", "ca.test; accounturi=https://ca.test/acct/1"}}, name, true},
    {"another account", {{"issue", "ca.test; accounturi=https://ca.test/acct/2"}}, name, false},
    {"two accounts", {{"issue", "ca.test; accounturi=https://ca.test/acct/1; accounturi=x"}}, name, false},
    {"our method", {{"issue", "ca.test; validationmethods=http-01,dns-01"}}, name, true},
    {"another method", {{"issue", "ca.test; validationmethods=dns-01"}}, name, false},
    {"a method that ours is a part of", {{"issue", "ca.test; validationmethods=x-http-01"}}, name, false},
    {"account in one record, method in another",
     {{"issue", "ca.test; accounturi=https://ca.test/acct/2"}, {"issue", "ca.test; validationmethods=http-01"}},
     name,
     true},
};

TEST(Caa, DecidesAsTheRfcSays) {
  for (const Case& c : cases) {
    const CaaRequest request{c.wildcard, {"ca.test", "ca2.test"}, "https://ca.test/acct/1", "http-01"};
    const CaaDecision decision = decide_caa(records_of(c), request);
    EXPECT_EQ(decision.allowed, c.allowed) << c.name << ": " << decision.why;
    EXPECT_FALSE(decision.why.empty()) << c.name;
  }
}

}  // namespace
}  // namespace acme
