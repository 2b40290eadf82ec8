#include <gtest/gtest.h>

#include "config/parse.h"
#include "tests/support/config_faults.h"

namespace config {
namespace {

void expect_fault(const std::string& text, const std::string& fault) {
  test::expect_fault_in("listeners: [{ address: ':80' }]\n" + text, fault, "s");
}

TEST(AzureSection, RefusesEndpointsThatTokensMustNotGoTo) {
  expect_fault("azure: { authority_host: 'http://login.example.com' }\n", "expected a URL that begins with https://");
  expect_fault("azure: { resource_manager: 'https://arm.example.com?a=b' }\n", "expected a URL without a query");
  expect_fault("azure: { key_vault_suffix: 'https://vault.azure.net' }\n", "found `https://vault.azure.net`");
  expect_fault("azure: { cloud: germany }\n", "expected one of public, us_government, china");
}

TEST(AzureSection, RefusesAnIdentityWithoutWhatItNeeds) {
  expect_fault("azure: { identity: command }\n", "found `identity`, expected the key `token_command` beside it");
  expect_fault("azure: { identity: client_certificate }\n", "expected the key `client_certificate` beside it");
  expect_fault("azure: { client_certificate: { key: a } }\n", "found azure client certificate without `certificate`");
  expect_fault("azure: { identity: secret }\n", "expected one of workload, managed, client_certificate, command");
  expect_fault("azure: { identity: managed, token_file: a }\n", "found `token_file`, expected `identity: workload`");
  expect_fault("azure: { tenant_id: a/b }\n", "expected at most 90 letters");
}

TEST(KeyVaultSection, RefusesWhatNamesNothingOrTooMuch) {
  const auto vault = [](const std::string& keys) { return "certificates: [{ key_vault: { " + keys + " } }]\n"; };
  expect_fault(vault("name: a"), "found key vault without `vault`");
  expect_fault(vault("vault: a"), "found key vault with none of name, prefix, tags");
  expect_fault(vault("vault: a, name: b, prefix: c"), "expected only one of name, prefix");
  expect_fault(vault("vault: a, prefix: b, version: c"), "expected `name` beside it");
  expect_fault(vault("vault: 'http://v.example.com', name: a"), "expected the name of a vault, or its URL");
  expect_fault(vault("vault: 'https://v.example.com/secrets', name: a"), "expected the name of a vault, or its URL");
  expect_fault(vault("vault: a_b, name: a"), "expected the name of a vault, or its URL");
  expect_fault(vault("vault: a, name: '../b'"), "expected at most 127 letters, digits and hyphens");
  expect_fault(vault("vault: a, tags: {}"), "found no tags, expected at least one tag");
  expect_fault(vault("vault: a, name: b, poll: 1ms"), "expected a duration from 1s to 1d");
  expect_fault(vault("vault: a, name: b, kind: key"), "expected one of certificate, secret");
}

TEST(KeyVaultSection, RefusesTheSameSourceTwice) {
  expect_fault("certificates: [{ key_vault: { vault: a, name: b } }, { key_vault: { vault: a, name: b } }]\n",
               "found the same source a second time, expected each only once");
}

TEST(MirrorSection, RefusesTheSameMirrorTwice) {
  expect_fault("mirrors: [{ key_vault: { vault: a } }, { key_vault: { vault: a } }]\n",
               "found the same mirror a second time, expected each only once");
}

TEST(AzureDnsSection, RefusesWhatContradictsItself) {
  const auto dns = [](const std::string& keys) {
    return "issuers: { a: { acme: { directory: 'https://c', agree_to_terms: true, dns: { azure: { " + keys +
           " } } } } }\n";
  };
  expect_fault(dns("resource_group: a"), "without `subscription_id`");
  expect_fault(dns("subscription_id: a, resource_group: b, client_secret_file: c"),
               "expected `tenant_id` and `client_id` beside it");
  expect_fault(dns("subscription_id: a, resource_group: b, client_id: c, managed_identity_resource_id: d"),
               "expected only one of client_id, managed_identity_resource_id");
  expect_fault(dns("subscription_id: a, resource_group: b, environment: AzureGermanCloud"),
               "expected one of AzurePublicCloud");
}

TEST(MirrorSection, RefusesWhatContradictsItself) {
  const auto gateway = [](const std::string& keys) {
    return "mirrors: [{ application_gateway: { resource_id: /subscriptions/s/applicationGateways/g, " + keys +
           " } }]\n";
  };
  expect_fault("mirrors: [{}]\n", "with none of application_gateway, key_vault");
  expect_fault("mirrors: [{ application_gateway: { resource_id: gw } }]\n", "expected the resource id of a gateway");
  expect_fault(gateway("by: key_vault"), "expected `vault` beside it");
  expect_fault(gateway("vault: a"), "expected `by: key_vault` beside it");
  expect_fault(gateway("certificates: [a, { certificate: a }]"), "expected each only once");
  expect_fault(gateway("certificates: [{ name: a }]"), "found mirrored certificate without `certificate`");
  // They are cut and compared by bytes.
  expect_fault(gateway("name_prefix: \u00e4\u00e4"), "expected at most 80 letters a to z");
  expect_fault(gateway("listeners: [\u00e4]"), "expected at most 80 letters a to z");
  expect_fault(gateway("certificates: [{ certificate: a, name: \u00e4 }]"), "expected at most 80 letters a to z");
  expect_fault(gateway("name_prefix: " + std::string(81, 'a')), "expected at most 80 letters a to z");
  // Azure takes them for one.
  expect_fault(gateway("listeners: [tls-0, TLS-0]"), "expected each only once, in any case");
  expect_fault(gateway("certificates: [{ certificate: a, name: x }, { certificate: b, name: X }]"),
               "expected a name of its own for each, in any case");
  expect_fault(gateway("prune_after: 7d"), "expected `name_prefix` beside it, which nobody else uses");
}

// Another sekisho on the same gateway has the same prefix, and would lose its certificates.
TEST(MirrorSection, PrunesOnlyUnderAPrefixThatWasGiven) {
  const auto pruned_after = [](const std::string& keys) {
    const auto parsed = parse(
        "listeners: [{ address: ':1' }]\nmirrors: [{ application_gateway: { resource_id: "
        "/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/applicationGateways/n" +
            keys + " } }]\n",
        "f", Use::base);
    EXPECT_TRUE(parsed);
    return parsed ? std::get<ApplicationGatewayMirror>(parsed->mirrors.at(0).to).prune_after : std::chrono::seconds(-1);
  };
  EXPECT_EQ(pruned_after(""), std::chrono::seconds(0));
  EXPECT_EQ(pruned_after(", prune_after: 0s"), std::chrono::seconds(0));
  EXPECT_EQ(pruned_after(", name_prefix: edge-"), std::chrono::hours(24 * 7));
  EXPECT_EQ(pruned_after(", name_prefix: edge-, prune_after: 1d"), std::chrono::hours(24));
}

}  // namespace
}  // namespace config
