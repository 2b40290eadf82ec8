#include <gtest/gtest.h>

#include <string>

#include "config/parse.h"
#include "tests/support/config_faults.h"

namespace config {
namespace {

std::string faults_in(const std::string& text) {
  return test::faults_of("listeners:\n  - address: ':80'\n" + text, "s");
}

void expect_fault(const std::string& text, const std::string& expected) {
  test::expect_fault_in("listeners:\n  - address: ':80'\n" + text, expected, "s");
}

TEST(Listeners, RefuseAddressesThatAreNone) {
  expect_fault("  - address: 8443\n", "found `8443`, expected an address and port such as 127.0.0.1:8443");
  expect_fault("  - address: ::1:8443\n", "expected an address and port such as");
  expect_fault("  - address: localhost:8443\n", "expected an IP address before the port");
  expect_fault("  - address: 127.0.0.1:70000\n", "expected an address and port");
  expect_fault("  - tls: false\n", "found listener without `address`, expected the key `address`");
  expect_fault("  - address: ':81'\n    tls: 'true'\n", "found `true`, expected true or false");
}

TEST(Listeners, RefuseTheSameAddressTwice) {
  expect_fault("  - address: :80\n", "s:3:14: found `:80`, expected an address that no other listener has");
  expect_fault("admin: { address: ':80' }\n", "expected an address that no listener has");
  EXPECT_EQ(faults_in("  - address: 127.0.0.1:0\n  - address: 127.0.0.1:0\n"), "no fault");
}

TEST(Listeners, RefuseNetworksThatAreNone) {
  expect_fault("  - { address: ':81', proxy_protocol: { from: [10.0.0.0/33] } }\n",
               "found `10.0.0.0/33`, expected a network");
  expect_fault("  - { address: ':81', proxy_protocol: {} }\n", "found proxy protocol without `from`");
  expect_fault("trusted_proxies: [all]\n", "found `all`, expected a network such as 10.0.0.0/8");
}

TEST(TlsSection, NeverTurnsClientCertificatesOffByAccident) {
  expect_fault("tls: { client_certificates: { ca_certificates: ca.pem } }\n",
               "found client certificates without `mode`");
  expect_fault("tls: { client_certificates: { mode: required } }\n",
               "found client certificates without `ca_certificates`");
  expect_fault("tls: { hosts: [{ hosts: [10.0.0.1], client_certificates: { mode: off } }] }\n",
               "clients send no address");
  expect_fault("tls: { hosts: [{ hosts: [], client_certificates: { mode: off } }] }\n", "at least one host");
  expect_fault("tls: { hosts: [{ hosts: [a] }] }\n", "found tls host without `client_certificates`");
  expect_fault(
      "tls: { hosts: [{ hosts: [a], client_certificates: { mode: off } }, "
      "{ hosts: [A], client_certificates: { mode: off } }] }\n",
      "found host `a` a second time");
}

TEST(TlsSection, RefusesProfilesAndTicketsItDoesNotKnow) {
  expect_fault("tls: { profile: old }\n", "found `old`, expected one of intermediate, modern");
  expect_fault("tls: { unknown_name: rejct }\n", "(did you mean `reject`?)");
  expect_fault("tls: { tickets: on }\n", "found `on`, expected off, or a mapping with `rotation`");
  expect_fault("tls: { tickets: true }\n", "found `true`, expected off, or a mapping with `rotation`");
  expect_fault("tls: { tickets: { rotation: 8d } }\n", "expected a duration from 1s to 7d");
  expect_fault("tls: { tickets: { rotation: 1500ms } }\n", "found `1500ms`, expected whole seconds");
  expect_fault("tls:\n", "s:3:1: found nothing, expected a mapping with keys of profile");
}

TEST(TlsSection, TakesTicketsOff) {
  const auto config = parse("listeners: [{ address: ':80' }]\ntls: { tickets: off }\n", "s");
  ASSERT_TRUE(config);
  EXPECT_EQ(config->tls.ticket_rotation, seconds(0));
}

TEST(Certificates, RefuseEntriesThatContradictThemselves) {
  expect_fault("certificates: [{}]\n", "found certificate with none of files, directory, issuer, key_vault");
  expect_fault("certificates: [{ files: {} }]\n", "found certificate files with none of certificate, pfx");
  expect_fault("certificates: [{ files: { certificate: a, pfx: b } }]\n", "expected only one of certificate, pfx");
  expect_fault("certificates: [{ files: { pfx: a, key: b } }]\n", "expected no key beside `pfx`");
  expect_fault("certificates: [{ files: { certificate: a, password_file: b } }]\n", "only a pfx has one");
  expect_fault("certificates: [{ directory: a, files: { pfx: b } }]\n", "expected only one of files, directory");
  expect_fault("certificates: [{ directory: a, hosts: [b] }]\n", "found `hosts`, expected only one of");
  expect_fault("certificates: [{ directory: a, default: true }, { directory: b, default: true }]\n",
               "found a second default, expected at most one");
}

TEST(Backends, RefuseEndpointsThatAreNone) {
  expect_fault("backends: { a: {} }\n", "found backend without `endpoints`");
  expect_fault("backends: { a: { endpoints: [] } }\n", "expected at least one endpoint");
  expect_fault("backends: { a: { endpoints: ['http://h:1'] } }\n", "expected host:port without a scheme");
  expect_fault("backends: { a: { endpoints: [h] } }\n", "found `h`, expected host:port such as 127.0.0.1:3000");
  expect_fault("backends: { a: { endpoints: ['h:0'] } }\n", "expected host:port");
  expect_fault("backends: { a: { endpoints: [[h]] } }\n", "found a list, expected host:port, or a mapping");
  expect_fault("backends: { a: { endpoints: ['h:1', { address: 'H:1', weight: 2 }] } }\n",
               "found endpoint `h:1` a second time");
  expect_fault("backends: { a: { endpoints: [{ address: 'h:1', weight: -1 }] } }\n",
               "expected a whole number from 0 to 65535");
  expect_fault("backends: { 'a b': { endpoints: ['h:1'] } }\n", "expected a name of at most 200 ASCII characters");
  expect_fault("backends: [a]\n", "found a list, expected a mapping from names");
}

TEST(Backends, RefuseWhatCannotWork) {
  const auto backend = [](const std::string& keys) {
    return "backends: { a: { endpoints: ['h:1'], " + keys + " } }\n";
  };
  expect_fault(backend("tls: yes"), "found `yes`, expected true or false");
  expect_fault(backend("tls: { client_certificate: { key: a } }"),
               "found upstream client certificate without `certificate`");
  expect_fault(backend("tls: { server_name: 'a b' }"), "expected a host name");
  expect_fault(backend("host_header: 'a b'"), "found `a b`, expected a host name");
  expect_fault(backend("protocol: http3"), "did you mean `http1`?");
  expect_fault(backend("health_check: { status_from: 300, status_to: 200 }"), "found `status_from` above `status_to`");
  expect_fault(backend("health_check: { interval: 1ms }"), "expected a duration from 10ms to 1d");
  expect_fault(backend("ejection: { at_most_percent: 101 }"), "expected a whole number from 0 to 100");
  expect_fault(backend("timeouts: { connect: 0 }"), "found `0`, expected a duration from 1ms to 1d");
  expect_fault(backend("affinity: {}"), "found affinity without `cookie`");
  expect_fault(backend("affinity: { cookie: { name: 'a b' } }"), "found `a b`, expected the name of a cookie");
  expect_fault(backend("affinity: { cookie: { path: '/a;b' } }"), "found `/a;b`, expected a path without a semicolon");
  expect_fault(backend("affinity: { cookie: { same_site: none, secure: false } }"),
               "found `same_site: none` with `secure: false`");
}

TEST(Backends, TakeTlsInThreeWays) {
  const auto config = parse(
      "listeners: [{ address: ':80' }]\nbackends:\n  a: { endpoints: ['h:1'], tls: true }\n"
      "  b: { endpoints: ['h:1'], tls: false }\n"
      "  c: { endpoints: ['h:1'], tls: { client_certificate: { certificate: both.pem } } }\n",
      "/etc/s");
  ASSERT_TRUE(config) << config.error().front().to_string();
  EXPECT_EQ(config->backends.at("a").tls, UpstreamTls());
  EXPECT_EQ(config->backends.at("b").tls, std::nullopt);
  EXPECT_EQ(config->backends.at("c").tls->client_key, "/etc/both.pem");
}

TEST(LimitsSection, RefusesWhatIsOutOfRange) {
  expect_fault("limits: { header_count: 0 }\n", "expected a whole number from 1 to 10000");
  expect_fault("limits: { header_size: 1GiB }\n", "found `1GiB`, expected a size from 1KiB to 1MiB");
  expect_fault("limits: { heder_count: 5 }\n", "did you mean `header_count`?");
  expect_fault("timeouts: { handshake: 0 }\n", "expected a duration from 1ms to 1d");
  expect_fault("drain: { grace: never }\n", "expected a duration from 0 to 1d");
  expect_fault("drain: [5s]\n", "found a list, expected a mapping");
}

}  // namespace
}  // namespace config
