#include "app/reload_decisions.h"

#include <gtest/gtest.h>

namespace app {
namespace {

config::Listener listener(std::uint16_t port, bool tls = false) {
  return {.address = {.host = "127.0.0.1", .port = port}, .tls = tls, .proxy_protocol_from = {}};
}

TEST(RestartNeeds, NamesWhatOnlyARestartCanChange) {
  config::Config before, after;
  after.workers = 4;
  after.admin = config::Admin{.address = {.host = "127.0.0.1", .port = 9999}, .token_file = {}};
  after.state_directory = "/elsewhere";
  const auto needs = restart_needs(before, after);
  ASSERT_EQ(needs.size(), 3U);
  EXPECT_EQ(needs[0], "workers: auto is in force, 4 needs a restart");
  EXPECT_EQ(needs[1], "admin.address: nowhere is in force, 127.0.0.1:9999 needs a restart");
}

TEST(RestartNeeds, IsEmptyForWhatAReloadCanChange) {
  config::Config before, after;
  after.listeners.push_back(listener(1));
  after.limits.header_count = 7;
  after.routes.emplace_back();
  EXPECT_TRUE(restart_needs(before, after).empty());
}

TEST(ListenersOfBoth, KeepsTheOldOnesAndAddsNewAddressesOnly) {
  config::Config before, after;
  before.listeners = {listener(1), listener(2)};
  after.listeners = {listener(2, true), listener(3)};
  const auto both = listeners_of_both(before, after);
  ASSERT_EQ(both.size(), 3U);
  EXPECT_EQ(both[0], listener(1));
  EXPECT_EQ(both[1], listener(2)) << "the old one, until the new configuration is sure to be taken";
  EXPECT_EQ(both[2], listener(3));
}

TEST(TrustFiles, AreEveryFileThatIsReadOnlyAtLoad) {
  config::Config config;
  EXPECT_TRUE(trust_files(config).empty());
  config.tls.client_certificates.ca_certificates = "/a.pem";
  config.tls.hosts.push_back({.hosts = {"x"}, .client_certificates = {.mode = {}, .ca_certificates = "/b.pem"}});
  config.backends["app"].tls = config::UpstreamTls{
      .server_name = {}, .ca_certificates = "/a.pem", .client_certificate = "/c.pem", .client_key = {}};
  EXPECT_EQ(trust_files(config), (std::vector<std::filesystem::path>{"/a.pem", "/b.pem", "/c.pem"}));
}

}  // namespace
}  // namespace app
