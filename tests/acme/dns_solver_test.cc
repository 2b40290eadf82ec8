#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <mutex>

#include "acme/dns_lookup.h"
#include "acme/dns_propagation.h"
#include "acme/solver.h"
#include "tests/acme/named_server.h"

namespace acme {
namespace {

using namespace std::chrono_literals;
using config::ChallengeType;

// Storage for as long as a test runs.
class TestStorage final : public Storage {
 public:
  base::Result<std::optional<std::string>> read(const std::string& key) const override {
    const auto found = records_.find(key);
    return found == records_.end() ? std::nullopt : std::optional(found->second);
  }
  base::Result<void> write(const std::string& key, std::string_view content) override {
    if (fails) return base::fail(base::Code::io, "full");
    records_[key] = content;
    return {};
  }
  base::Result<void> remove(const std::string& key) override {
    records_.erase(key);
    return {};
  }
  base::Result<std::vector<std::string>> list(const std::string& folder) const override {
    std::vector<std::string> keys;
    for (const auto& [key, content] : records_) {
      if (key.starts_with(folder + "/")) keys.push_back(key);
    }
    return keys;
  }
  bool fails = false;

 private:
  std::map<std::string, std::string> records_;
};

std::shared_ptr<DnsZone> zone() {
  config::Rfc2136 config;
  config.server = test::named().address();
  config.key_name = "key-hmac-sha256";
  config.secret_file = test::named().secret_file("hmac-sha256");
  auto made = make_rfc2136_zone(config, {test::named().address()});
  if (!made) throw std::runtime_error(made.error().what);
  return *made;
}

std::unique_ptr<Solver> solver(Storage& storage, ChallengeType type = ChallengeType::dns01,
                               std::shared_ptr<DnsZone> with = zone()) {
  return make_dns_solver(std::move(with), storage,
                         {.type = type, .propagation = {.timeout = 20s}, .nameservers = {test::named().address()}});
}

ChallengeTask task(const std::string& name, const std::string& key_authorization) {
  return {.identifier = {Identifier::Type::dns, name},
          .token = "token",
          .key_authorization = key_authorization,
          .account_url = "https://ca.test/acct/1",
          .issuer_domain_names = {"ca.test"}};
}

std::size_t values_at(const std::string& owner) {
  const auto answer = DnsLookup({{test::named().address()}, 10s}).ask({owner, DnsType::txt}, {});
  return answer ? answer->contents(owner, DnsType::txt).size() : 99;
}

TEST(DnsRecord, HasOwnerAndValueOfItsChallenge) {
  ChallengeTask t = task("example.test", "token.thumbprint");
  const DnsRecord plain = dns_record_of(ChallengeType::dns01, t);
  EXPECT_EQ(plain.owner, "_acme-challenge.example.test");
  EXPECT_EQ(plain.value.size(), 43U);
  t.account_url = "https://example.com/acme/acct/ExampleAccount";  // the draft's own example
  const DnsRecord account = dns_record_of(ChallengeType::dns_account01, t);
  EXPECT_EQ(account.owner, "_ujmmovf2vn55tgye._acme-challenge.example.test");
  EXPECT_EQ(account.value, plain.value);
  t.account_url = "https://ca.test/acct/1";
  EXPECT_EQ(dns_record_of(ChallengeType::dns_persist01, t),
            (DnsRecord{"_validation-persist.example.test", "ca.test; accounturi=https://ca.test/acct/1"}));
  t.wildcard = true;
  EXPECT_EQ(dns_record_of(ChallengeType::dns_persist01, t).value,
            "ca.test; accounturi=https://ca.test/acct/1; policy=wildcard");
}

TEST(DnsSolver, AddsNothingThatItCouldNotWriteDown) {
  TestStorage storage;
  storage.fails = true;
  EXPECT_FALSE(solver(storage)->present(task("unwritten.example.test", "a"), {}));
  EXPECT_EQ(values_at("_acme-challenge.unwritten.example.test"), 0U);
}

TEST(DnsSolver, RefusesAddresses) {
  TestStorage storage;
  ChallengeTask t = task("192.0.2.1", "a");
  t.identifier.type = Identifier::Type::ip;
  EXPECT_EQ(solver(storage)->present(t, {}).error().code, base::Code::invalid);
}

TEST(DnsSolver, SaysWhichServerDoesNotShowTheRecord) {
  const DnsLookup lookup({{test::named().address()}, 1s});
  const auto shown = wait_for_propagation(lookup, {"_acme-challenge.never.example.test", "x"}, {.timeout = 300ms}, {});
  ASSERT_FALSE(shown);
  EXPECT_EQ(shown.error().code, base::Code::timeout);
  EXPECT_NE(shown.error().what.find("ns.example.test"), std::string::npos) << shown.error().what;
}

TEST(DnsSolver, ShowsApexAndWildcardAtOnceAndTakesEachAway) {
  TestStorage storage;
  const auto dns = solver(storage);
  const ChallengeTask apex = task("set.example.test", "apex");
  ChallengeTask wildcard = task("set.example.test", "wildcard");
  wildcard.wildcard = true;
  for (const ChallengeTask& t : {apex, wildcard}) {
    const auto shown = dns->present(t, {});
    ASSERT_TRUE(shown) << shown.error().what;
  }
  EXPECT_EQ(values_at("_acme-challenge.set.example.test"), 2U);
  EXPECT_EQ(storage.list("dns")->size(), 2U);
  ASSERT_TRUE(dns->clean_up(apex, {}));
  EXPECT_EQ(values_at("_acme-challenge.set.example.test"), 1U);
  ASSERT_TRUE(dns->clean_up(wildcard, {}));
  EXPECT_EQ(values_at("_acme-challenge.set.example.test"), 0U);
  EXPECT_TRUE(storage.list("dns")->empty());
  EXPECT_TRUE(dns->clean_up(apex, {})) << "twice is no error";
}

TEST(DnsSolver, WritesNotWhereverAStrangersCnameLeads) {
  TestStorage storage;
  const auto shown = solver(storage)->present(task("moved.example.test", "a"), {});
  ASSERT_FALSE(shown);
  EXPECT_TRUE(shown.error().what.contains("leads to moved.delegated.test, where nothing is written"))
      << shown.error().what;
  EXPECT_EQ(values_at("moved.delegated.test"), 0U);
  EXPECT_TRUE(storage.list("dns")->empty());
}

TEST(DnsSolver, WritesWhereACnameLeadsInTheZoneOfTheConfiguration) {
  TestStorage storage;
  const auto dns = make_dns_solver(
      zone(), storage,
      {.propagation = {.timeout = 20s}, .nameservers = {test::named().address()}, .zone = "Delegated.test"});
  const auto shown = dns->present(task("moved.example.test", "a"), {});
  ASSERT_TRUE(shown) << shown.error().what;
  EXPECT_EQ(values_at("moved.delegated.test"), 1U);
  ASSERT_TRUE(dns->clean_up(task("moved.example.test", "a"), {}));
  EXPECT_EQ(values_at("moved.delegated.test"), 0U);
}

TEST(DnsSolver, SweepsWhatAKilledProcessLeft) {
  TestStorage storage;
  ASSERT_TRUE(solver(storage)->present(task("killed.example.test", "a"), {}));
  const auto now = base::system_clock().now();
  EXPECT_EQ(*sweep_dns_records(*zone(), storage, now - 1h, {}), 0U) << "it may still be under way";
  EXPECT_EQ(values_at("_acme-challenge.killed.example.test"), 1U);
  EXPECT_EQ(*sweep_dns_records(*zone(), storage, now + 1h, {}), 1U);
  EXPECT_EQ(values_at("_acme-challenge.killed.example.test"), 0U);
  EXPECT_TRUE(storage.list("dns")->empty());
}

TEST(DnsSolver, KeepsWhatCouldNotBeSweptForTheNextTime) {
  TestStorage storage;
  ASSERT_TRUE(storage.write("dns/x", R"({"owner":"a.other.test","value":"v","added":1})"));
  ASSERT_TRUE(storage.write("dns/y", "not JSON"));
  EXPECT_EQ(*sweep_dns_records(*zone(), storage, base::system_clock().now(), {}), 0U);
  EXPECT_EQ(storage.list("dns")->size(), 2U);
}

TEST(DnsSolver, SaysWhichPersistentRecordIsMissing) {
  TestStorage storage;
  const auto shown =
      solver(storage, ChallengeType::dns_persist01, nullptr)->present(task("persist.example.test", "a"), {});
  ASSERT_FALSE(shown);
  EXPECT_NE(shown.error().what.find("_validation-persist.persist.example.test"), std::string::npos);
  EXPECT_NE(shown.error().what.find("ca.test; accounturi=https://ca.test/acct/1"), std::string::npos);
}

TEST(DnsSolver, RefusesAnIssuerNameThatWouldSayMoreThanAName) {
  TestStorage storage;
  ChallengeTask t = task("persist.example.test", "a");
  t.issuer_domain_names = {"ca.test; policy=wildcard"};
  EXPECT_EQ(solver(storage, ChallengeType::dns_persist01)->present(t, {}).error().code, base::Code::protocol);
}

TEST(DnsSolver, LeavesAPersistentRecordInPlace) {
  TestStorage storage;
  const auto dns = solver(storage, ChallengeType::dns_persist01);
  const ChallengeTask t = task("stays.example.test", "a");
  const auto shown = dns->present(t, {});
  ASSERT_TRUE(shown) << shown.error().what;
  ASSERT_TRUE(dns->clean_up(t, {}));
  EXPECT_EQ(values_at("_validation-persist.stays.example.test"), 1U);
  EXPECT_TRUE(solver(storage, ChallengeType::dns_persist01, nullptr)->present(t, {})) << "now it is there";
}

}  // namespace
}  // namespace acme
