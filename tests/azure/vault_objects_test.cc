#include "azure/vault_objects.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "azure/failure.h"
#include "azure/grant.h"
#include "azure/vault_challenge.h"
#include "base/base64.h"
#include "tests/support/mint.h"

namespace azure {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

const base::SystemTime now = std::chrono::sys_days(std::chrono::year(2026) / 11 / 22);

TEST(VaultPage, IsNoListWhereAnElementHasNoIdThatCouldBeOne) {
  const json good{{"id", "https://v.vault.azure.net/certificates/app/1"}};
  for (const json& odd : {json{{"id", "https://v.vault.azure.net/certificates/../secrets/1"}},
                          json{{"id", "https://v.vault.azure.net/keys/app/1"}}, json{{"id", "certificates/app/1"}},
                          json{{"id", "https://v.vault.azure.net/certificates/app two"}}, json{{"id", 7}},
                          json(json::object()), json("text"), json(nullptr)}) {
    EXPECT_FALSE(vault_page_from({{"value", json::array({good, odd})}})) << odd;
  }
  const auto page = vault_page_from({{"value", json::array({good})}, {"nextLink", nullptr}});
  ASSERT_TRUE(page);
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_EQ(page->items.front().name, "app");
  EXPECT_EQ(page->items.front().version, "1");
  EXPECT_TRUE(page->next.empty());
  EXPECT_FALSE(vault_page_from({{"value", 1}}));
}

TEST(VaultPage, IsNoAnswerWithoutAList) {
  EXPECT_FALSE(vault_page_from(json::object()));
  EXPECT_FALSE(vault_page_from({{"value", nullptr}}));
  EXPECT_FALSE(vault_page_from({{"value", json::array()}, {"nextLink", json::array()}})) << "where does it go on?";
  EXPECT_FALSE(vault_page_from({{"value", json::array()}, {"nextLink", std::string(9000, 'x')}}));
  EXPECT_TRUE(vault_page_from({{"value", json::array()}}));
}

TEST(VaultPage, LeavesOutTagsThatNoVaultTakes) {
  const std::string large(70'000, 'x');
  const json answer{
      {"value", {{{"id", "https://v/secrets/app"}, {"tags", {{"a", large}, {large, "b"}, {"env", "prod"}}}}}}};
  EXPECT_EQ(vault_page_from(answer)->items.front().tags, (std::map<std::string, std::string>{{"env", "prod"}}));
}

TEST(VaultPage, ReadsAttributesWhateverTheyAre) {
  const json answer{{"value",
                     {{{"id", "https://v/secrets/app"},
                       {"tags", {{"env", "prod"}, {"n", 1}}},
                       {"attributes", {{"enabled", false}, {"created", 1700000000}, {"exp", 1e300}, {"nbf", -5}}}}}}};
  const VaultItem item = vault_page_from(answer)->items.front();
  EXPECT_FALSE(item.attributes.enabled);
  EXPECT_EQ(item.attributes.created, base::SystemTime(std::chrono::seconds(1700000000)));
  EXPECT_FALSE(item.attributes.expires);
  EXPECT_EQ(item.tags, (std::map<std::string, std::string>{{"env", "prod"}}));
}

VaultItem version(const std::string& name, std::chrono::seconds created, bool enabled = true) {
  return {.name = "app", .version = name, .attributes = {.enabled = enabled, .created = base::SystemTime(created)}};
}

TEST(VaultVersions, AreChosenByEnabledAndCreatedWhateverTheirOrder) {
  const auto usable =
      enabled_newest_first({version("b", 20s), version("c", 30s, false), version("d", 10s), version("a", 20s)});
  ASSERT_EQ(usable.size(), 3U);
  EXPECT_EQ(usable[0].version, "b");
  EXPECT_EQ(usable[1].version, "a");
  EXPECT_EQ(usable[2].version, "d");
}

class CertificateIn : public testing::Test {
 protected:
  test::Minted minted = test::Authority("root").intermediate("middle").issue({.names = {"www.example.com"}});
  static std::string error_of(const std::string& value) {
    const auto made = certificate_in({.value = value, .content_type = {}});
    return made ? "none" : made.error().what;
  }
};

TEST_F(CertificateIn, SaysThatAKeyIsNotExportable) {
  const auto made = certificate_in({.value = minted.chain_pem(), .content_type = {}});
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, base::Code::not_found);
  EXPECT_TRUE(made.error().what.contains("not exportable")) << made.error().what;
}

TEST_F(CertificateIn, RefusesWhatIsNoCertificateWithoutTellingIt) {
  for (const std::string value : {"hunter2-password", "", "-----BEGIN CERTIFICATE-----\nhunter2\n", "AAAA"}) {
    EXPECT_NE(error_of(value), "none");
    EXPECT_FALSE(error_of(value).contains("hunter2"));
  }
  EXPECT_TRUE(error_of(base::to_base64(minted.pfx("password"))).contains("the PFX has a password"));
}

TEST_F(CertificateIn, ReadsPfxAndPemWhateverTheContentTypeSays) {
  const auto pfx = certificate_in({.value = base::to_base64(minted.pfx(nullptr)), .content_type = "text/plain"});
  ASSERT_TRUE(pfx) << pfx.error().what;
  const auto pem = certificate_in({.value = minted.key_pem() + minted.chain_pem(), .content_type = {}});
  ASSERT_TRUE(pem) << pem.error().what;
  EXPECT_EQ((*pfx)->fingerprint(), (*pem)->fingerprint());
  EXPECT_EQ((*pem)->facts().dns_names, std::vector<std::string>{"www.example.com"});
}

TEST(VaultChallenge, IsRefusedWhereATokenWouldGoToSomebodyElse) {
  const auto check = [](const std::string& header, const std::string& vault) {
    const auto challenge = vault_challenge_in(header);
    if (!challenge) return challenge.error().what;
    const auto good = check_challenge(*challenge, vault, "https://vault.azure.net/.default");
    return good ? std::string("good") : good.error().what;
  };
  const std::string challenge =
      R"(Bearer authorization="https://login.microsoftonline.com/t-1", resource="https://vault.azure.net")";
  EXPECT_EQ(check(challenge, "https://v.vault.azure.net"), "good");
  EXPECT_EQ(check(R"(bearer scope="https://vault.azure.net/.default" authorization=https://l/t)",
                  "https://V.VAULT.azure.net:443"),
            "good");
  EXPECT_TRUE(check(challenge, "https://v.vault.azure.net.evil.example").contains("no token is sent"));
  EXPECT_TRUE(check(challenge, "https://evilvault.azure.net").contains("no token is sent"));
  EXPECT_TRUE(check(R"(Bearer resource="https://management.azure.com")", "https://x.management.azure.com")
                  .contains("no token is sent"));
  EXPECT_TRUE(check("Basic realm=x", "https://v.vault.azure.net").contains("no Bearer token"));
  EXPECT_TRUE(check("Bearer realm=\"x", "https://v.vault.azure.net").contains("names no resource"));
  EXPECT_EQ(vault_challenge_in(challenge)->tenant, "t-1");
}

TEST(Grant, IsReadWhetherCountsAreNumbersOrText) {
  EXPECT_EQ(grant_from(R"({"access_token":"t","expires_in":60,"refresh_in":"30"})", now)->expires, now + 60s);
  EXPECT_EQ(grant_from(R"({"access_token":"t","expires_in":"60","refresh_in":"30"})", now)->refresh, now + 30s);
  EXPECT_EQ(grant_from(R"({"access_token":"t","expires_on":"1763800000"})", now)->expires,
            base::SystemTime(std::chrono::seconds(1763800000)));
  EXPECT_EQ(grant_from(R"({"access_token":"t","expires_in":99999999999999})", now)->expires,
            now + std::chrono::days(7));
  for (const char* bad :
       {"", "[]", "{}", R"({"access_token":"a b"})", R"({"access_token":7})", "{\"access_token\":\"a\\r\\nb\"}"}) {
    EXPECT_FALSE(grant_from(bad, now)) << bad;
  }
  EXPECT_EQ(grant_from_output("  word\n", now)->token, "word");
  EXPECT_FALSE(grant_from_output("two words", now));
}

TEST(Failure, ReadsEveryWayOfSayingWhenToComeBack) {
  const auto wait = [](const char* name, const char* value) {
    return wait_in({.status = 429, .headers = {{name, value}}, .body = {}}, now);
  };
  EXPECT_EQ(wait("retry-after-ms", "250"), 250ms);
  EXPECT_EQ(wait("x-ms-retry-after-ms", "250"), 250ms);
  EXPECT_EQ(wait("retry-after", "3"), 3s);
  EXPECT_EQ(wait("retry-after", "Sun, 22 Nov 2026 00:00:09 GMT"), 9s);
  EXPECT_EQ(wait("retry-after", "Sat, 21 Nov 2026 00:00:00 GMT"), 0s);
  EXPECT_EQ(wait("retry-after", "99999999"), 1h);
  EXPECT_EQ(wait("retry-after", "-1"), std::nullopt);
  EXPECT_EQ(wait("retry-after", "soon"), std::nullopt);
}

}  // namespace
}  // namespace azure
