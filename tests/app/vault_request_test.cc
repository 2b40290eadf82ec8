#include "app/vault_request.h"

#include <gtest/gtest.h>

namespace app {
namespace {

using namespace std::chrono_literals;
using config::AzureCloud;

constexpr auto suffix = "vault.azure.net";

std::string refusal_of(const kube::VaultRead& read) {
  const auto request = vault_request(read, AzureCloud::worldwide, suffix);
  return request ? "none: " + request->vault : request.error().what;
}

TEST(VaultRequest, SendsNoTokenElsewhere) {
  for (const char* url :
       {"https://my-vault.vault.azure.net.example.com", "https://vault.azure.net", "https://a.b.vault.azure.net",
        "http://my-vault.vault.azure.net", "https://my-vault.vault.azure.net:444", "https://127.0.0.1:8200",
        "https://my-vault.vault.azure.net@example.com", "https://my-vault.vault.azure.net/path",
        "https://x_y.vault.azure.net", "https://example.com/.vault.azure.net", "https://my-vaultvault.azure.net",
        "my.vault", ""}) {
    EXPECT_TRUE(refusal_of({.vault = url, .object = "site"}).contains("no token goes elsewhere")) << url;
  }
  EXPECT_EQ(refusal_of({.vault = "my-vault", .object = "site", .cloud = AzureCloud::china}),
            "cloud: found `china`, expected `public`: no token goes elsewhere");
}

TEST(VaultRequest, AsksAVaultOfOurCloud) {
  for (const char* vault : {"my-vault", "https://my-vault.vault.azure.net", "https://My-Vault.vault.azure.net/"}) {
    const auto request = vault_request(
        {.vault = vault, .object = "site", .version = "v1", .identity = {"t-1", "c-1"}, .cloud = AzureCloud::worldwide},
        AzureCloud::worldwide, suffix);
    ASSERT_TRUE(request) << request.error().what;
    EXPECT_EQ(*request, (config::KeyVaultCertificate{.vault = "https://my-vault.vault.azure.net",
                                                     .name = "site",
                                                     .kind = config::KeyVaultCertificate::Kind::secret,
                                                     .version = "v1",
                                                     .identity = {"t-1", "c-1"}}));
  }
}

TEST(VaultRequest, KeepsThePollWithinBounds) {
  const auto poll = [](std::chrono::milliseconds wanted) {
    return vault_request({.vault = "v", .object = "o", .poll = wanted}, AzureCloud::worldwide, suffix)->poll;
  };
  EXPECT_EQ(poll(1ms), shortest_vault_poll);
  EXPECT_EQ(poll(24h), longest_vault_poll);
  EXPECT_EQ(poll(0ms), longest_vault_poll);
  EXPECT_EQ(poll(5min), 5min);
  EXPECT_EQ(vault_request({.vault = "v", .object = "o"}, AzureCloud::worldwide, suffix)->poll, 2min);
}

}  // namespace
}  // namespace app
