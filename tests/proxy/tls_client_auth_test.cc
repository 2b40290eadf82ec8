#include "proxy/tls_client_auth.h"

#include <gtest/gtest.h>

#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace proxy {
namespace {

using Mode = config::ClientCertificateMode;

class ClientAuth : public testing::Test {
 protected:
  ClientAuth() {
    folder.write("one.pem", test::Authority("One").pem());
    folder.write("two.pem", test::Authority("Two").pem());
  }
  [[nodiscard]] config::ClientCertificates wanted(Mode mode, std::string_view bundle) const {
    return {.mode = mode, .ca_certificates = folder / bundle};
  }
  [[nodiscard]] static std::shared_ptr<const ClientAuthTable> load(const config::Tls& tls) {
    auto table = ClientAuthTable::load(tls);
    EXPECT_TRUE(table.has_value());
    return table.value_or(nullptr);
  }
  test::ScratchFolder folder;
};

TEST_F(ClientAuth, AMissingBundleIsRefusedByItsName) {
  config::Tls tls;
  tls.client_certificates = wanted(Mode::required, "nowhere.pem");
  const auto table = ClientAuthTable::load(tls);
  ASSERT_FALSE(table.has_value());
  EXPECT_NE(table.error().what.find("nowhere.pem"), std::string::npos) << table.error().what;
}

TEST_F(ClientAuth, ABundleWithoutACertificateIsRefusedThoughTheHostIsOnlyOneOfMany) {
  folder.write("empty.pem", "# nobody\n");
  config::Tls tls;
  tls.client_certificates = wanted(Mode::optional, "one.pem");
  tls.hosts.push_back({.hosts = {"a.example"}, .client_certificates = wanted(Mode::required, "empty.pem")});
  const auto table = ClientAuthTable::load(tls);
  ASSERT_FALSE(table.has_value());
  EXPECT_NE(table.error().what.find("empty.pem"), std::string::npos) << table.error().what;
}

TEST_F(ClientAuth, NobodyWantsCertificatesMeansNoTable) {
  const auto table = ClientAuthTable::load({});
  ASSERT_TRUE(table.has_value());
  EXPECT_EQ(*table, nullptr);
}

TEST_F(ClientAuth, FindsTheExactNameThenTheWildcardThenTheDefault) {
  config::Tls tls;
  tls.client_certificates = wanted(Mode::optional, "one.pem");
  tls.hosts.push_back({.hosts = {"*.example.com"}, .client_certificates = wanted(Mode::required, "two.pem")});
  tls.hosts.push_back({.hosts = {"open.example.com"}, .client_certificates = {}});
  const auto table = load(tls);
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(table->find("open.example.com").mode, Mode::off);
  EXPECT_EQ(table->find("www.example.com").mode, Mode::required);
  EXPECT_EQ(table->find("a.b.example.com").mode, Mode::optional) << "a wildcard stands for one label";
  EXPECT_EQ(table->find("example.com").mode, Mode::optional);
  EXPECT_EQ(table->find("other.test").mode, Mode::optional);
}

TEST_F(ClientAuth, NamesOfAStrangersMakingAreTheDefault) {
  config::Tls tls;
  tls.hosts.push_back({.hosts = {"*.example.com"}, .client_certificates = wanted(Mode::required, "one.pem")});
  const auto table = load(tls);
  ASSERT_NE(table, nullptr);
  for (const std::string& name : {std::string(), std::string("."), std::string(".example.com"), std::string("com"),
                                  std::string(300, 'a') + ".example.com", std::string(5000, '.')}) {
    EXPECT_EQ(table->find(name).mode, Mode::off) << name.substr(0, 20);
  }
}

// Sessions are resumed only within one id.
TEST_F(ClientAuth, TheIdDiffersByModeAndBundleAndIsEmptyWhenOff) {
  config::Tls tls;
  tls.hosts.push_back({.hosts = {"required1"}, .client_certificates = wanted(Mode::required, "one.pem")});
  tls.hosts.push_back({.hosts = {"required1b"}, .client_certificates = wanted(Mode::required, "one.pem")});
  tls.hosts.push_back({.hosts = {"required2"}, .client_certificates = wanted(Mode::required, "two.pem")});
  tls.hosts.push_back({.hosts = {"optional1"}, .client_certificates = wanted(Mode::optional, "one.pem")});
  const auto table = load(tls);
  ASSERT_NE(table, nullptr);
  const std::string id = table->find("required1").id;
  EXPECT_EQ(id.size(), 32U) << "SSL_set_session_id_context takes no more";
  EXPECT_EQ(table->find("required1b").id, id);
  EXPECT_NE(table->find("required2").id, id);
  EXPECT_NE(table->find("optional1").id, id);
  EXPECT_EQ(table->find("elsewhere").id, "");
}

TEST_F(ClientAuth, AllAuthoritiesOfABundleAreTrustedAndNamed) {
  folder.write("both.pem", test::Authority("One").pem() + "\n# and\n" + test::Authority("Two").pem());
  config::Tls tls;
  tls.client_certificates = wanted(Mode::required, "both.pem");
  const auto table = load(tls);
  ASSERT_NE(table, nullptr);
  EXPECT_EQ(table->find("any").authorities.size(), 2U);
  EXPECT_NE(table->find("any").trust, nullptr);
}

}  // namespace
}  // namespace proxy
