#include "config/issuers.h"

#include <gtest/gtest.h>

#include <string>

#include "config/parse.h"
#include "tests/support/config_faults.h"

namespace config {
namespace {

constexpr const char* start = "listeners:\n  - address: ':80'\n";

std::string faults_in(const std::string& text) {
  return test::faults_of(start + text, "/etc/s");
}

void expect_fault(const std::string& text, const std::string& expected) {
  test::expect_fault_in(start + text, expected, "/etc/s");
}

// Each ACME issuer with these keys more.
std::string issuer(const std::string& keys = "", const std::string& name = "a") {
  return "  " + name + ": { acme: { directory: 'https://ca.example.com/dir', agree_to_terms: true" +
         (keys.empty() ? "" : ", " + keys) + " } }\n";
}
std::string issuers(const std::string& keys) {
  return "issuers:\n" + issuer(keys);
}
std::string certificate(const std::string& keys) {
  return "certificates:\n  - { issuer: a, " + keys + " }\n";
}
constexpr const char* with_dns = "dns: { exec: { command: [/hook] } }";

TEST(Issuers, RefuseEntriesThatContradictThemselves) {
  expect_fault("issuers: { a: {} }\n", "found issuer with none of acme, self_signed, ca");
  expect_fault("issuers: { a: { ca: { certificate: a, key: b }, self_signed: {} } }\n", "expected only one of acme");
  expect_fault("issuers: { a: { ca: {} } }\n", "found ca without `certificate`");
  expect_fault("issuers: { a: { ca: { certificate: a } } }\n", "found ca without `key`");
  expect_fault("issuers: { a: { self_signed: } }\n", "found nothing, expected a mapping with keys of lifetime");
  expect_fault("issuers: { a: { self_signed: { lifetime: 30s } } }\n", "expected a duration from 1m to 3650d");
  expect_fault("issuers: { 'a b': { self_signed: {} } }\n", "expected a name of at most 200 ASCII characters");
  expect_fault(issuers("chalenge: y"), "did you mean `challenge`?");
  expect_fault("issuers: { a: { acme: { agree_to_terms: true } } }\n", "found acme without `directory`");
}

TEST(Issuers, DemandThatTheTermsAreAgreedTo) {
  expect_fault("issuers:\n  a: { acme: { directory: 'https://ca' } }\n",
               "/etc/s:4:14: found acme without `agree_to_terms`, expected `agree_to_terms` of true: the CA gives an "
               "account only to those who agree to its terms of service");
  expect_fault("issuers: { a: { acme: { directory: 'https://ca', agree_to_terms: false } } }\n",
               "found `agree_to_terms` of false, expected true: the CA");
  expect_fault("issuers: { a: { acme: { directory: 'https://ca', agree_to_terms: 'yes' } } }\n",
               "found `yes`, expected true or false");
}

TEST(Issuers, RefuseDirectoriesThatCanBeReadOnTheWay) {
  const auto directory = [](const std::string& url) {
    return "issuers: { a: { acme: { directory: '" + url + "', agree_to_terms: true } } }\n";
  };
  expect_fault(directory("http://ca.example.com/dir"), "http is only for this very machine");
  expect_fault(directory("http://10.0.0.1/dir"), "http is only for this very machine");
  expect_fault(directory("http://127.0.0.1.example.com/"), "http is only for this very machine");
  expect_fault(directory("ca.example.com"), "found `ca.example.com`, expected a URL that begins with https://");
  expect_fault(directory("https://user:password@ca.example.com"), "without blanks, user name or fragment");
  expect_fault(directory("https://ca.example.com/#a"), "without blanks, user name or fragment");
  expect_fault(directory("https:///dir"), "expected a URL with a host name or an address");
  expect_fault(directory("https://ca:70000/dir"), "expected a URL with a host name or an address");
  for (const char* url : {"http://127.0.0.1:14000/dir", "http://[::1]:14000/dir", "http://localhost:14000/dir",
                          "http://pebble.localhost/dir", "https://10.0.0.1:14000/dir", "https://ca"}) {
    EXPECT_EQ(faults_in(directory(url)), "no fault") << url;
  }
}

TEST(Issuers, RefuseContactsThatAreNoAddress) {
  for (const char* email : {"admin", "@example.com", "a@", "mailto:a@example.com", "a@example.com,b@example.com",
                            "a@b@example.com", "a..b@example.com", "a b@example.com", "a@example.com?subject=b"}) {
    expect_fault(issuers("email: '" + std::string(email) + "'"), "expected one e-mail address such as");
  }
  const auto config = parse(start + issuers("email: Admin+acme@BÜCHER.example"), "s");
  ASSERT_TRUE(config) << config.error().front().to_string();
  EXPECT_EQ(std::get<AcmeIssuer>(config->issuers.at("a")).email, "Admin+acme@xn--bcher-kva.example");
}

TEST(Issuers, RefuseSolversThatCannotWork) {
  expect_fault(issuers("dns: {}"), "found dns with none of rfc2136, exec");
  expect_fault(issuers("dns: { rfc2136: {} }"), "found rfc2136 without `server`");
  expect_fault(issuers("dns: { rfc2136: { server: 'a b' } }"), "expected a DNS server such as 192.0.2.53");
  expect_fault(issuers("dns: { rfc2136: { server: ns, key_name: k } }"), "found `key_name`, expected `secret_file`");
  expect_fault(issuers("dns: { rfc2136: { server: ns, secret_file: k } }"), "found `secret_file`, expected `key_name`");
  expect_fault(issuers("dns: { rfc2136: { server: ns, key_name: k, secret_file: s, key_algorithm: hmac-md5 } }"),
               "found `hmac-md5`, expected one of hmac-sha224");
  expect_fault(issuers("dns: { rfc2136: { server: ns, zone: 'a..b' } }"), "found `a..b`, expected a DNS name");
  expect_fault(issuers("dns: { exec: { command: [] } }"), "expected the program, and perhaps arguments");
  expect_fault(issuers("dns: { exec: { command: /hook } }"), "found `/hook`, expected a list");
  expect_fault(issuers("dns: { exec: { command: [/hook], timeout: 2h } }"), "expected a duration from 1s to 1h");
  expect_fault(issuers("dns: { exec: { command: [/hook] }, ttl: 1500ms }"), "expected whole seconds");
  expect_fault(issuers("dns: { exec: { command: [/hook] }, propagation: { check: all } }"),
               "expected one of authoritative, none");
  expect_fault(issuers("nameservers: [ns.example.com]"), "expected the IP address of a name server");
  expect_fault(issuers("nameservers: ['192.0.2.1:0']"), "expected the IP address of a name server");
  expect_fault(issuers("external_account: { key_id: a }"), "found external account without `hmac_key_file`");
}

TEST(Issuers, GiveServersTheirPortAndProgramsTheirFolder) {
  const auto dns_of = [](const std::string& dns) {
    const auto config = parse(start + issuers("nameservers: ['2001:db8::1'], dns: " + dns), "/etc/s");
    if (!config) ADD_FAILURE() << config.error().front().to_string();
    const auto& acme = std::get<AcmeIssuer>(config->issuers.at("a"));
    EXPECT_EQ(acme.nameservers, std::vector<std::string>{"[2001:db8::1]:53"});
    return acme.dns->provider;
  };
  EXPECT_EQ(std::get<Rfc2136>(dns_of("{ rfc2136: { server: NS.example.com } }")).server, "ns.example.com:53");
  EXPECT_EQ(std::get<Rfc2136>(dns_of("{ rfc2136: { server: '::1' } }")).server, "[::1]:53");
  EXPECT_EQ(std::get<DnsExec>(dns_of("{ exec: { command: [./hook, ./x, ''] } }")).command,
            (std::vector<std::string>{"/etc/hook", "./x", ""}));
  EXPECT_EQ(std::get<DnsExec>(dns_of("{ exec: { command: [hook] } }")).command.front(), "hook");
}

TEST(Issuers, RefuseFallbacksThatLeadNowhere) {
  expect_fault("issuers:\n" + issuer("fallback: seconds") + issuer("", "second"),
               "expected one that is declared (did you mean `second`?)");
  expect_fault("issuers:\n" + issuer("fallback: b") + "  b: { self_signed: {} }\n",
               "found fallback `b`, expected an issuer of the kind acme");
  expect_fault(issuers("fallback: a"), "does not lead back to `a`");
  expect_fault("issuers:\n" + issuer("fallback: b") + issuer("fallback: c", "b") + issuer("fallback: a", "c"),
               "found fallback `b`, expected an issuer whose own fallback does not lead back to `a`");
  // The loop behind it is reported where it is, and its way there ends.
  expect_fault("issuers:\n" + issuer("fallback: b") + issuer("fallback: b", "b"), "does not lead back to `b`");
  EXPECT_EQ(faults_in("issuers:\n" + issuer("fallback: b") + issuer("fallback: c", "b") + issuer("", "c")), "no fault");
}

TEST(IssuedCertificates, RefuseEntriesThatContradictThemselves) {
  expect_fault("certificates: [{ hosts: [a], issuer: lets }]\nissuers: { let: { self_signed: {} } }\n",
               "found issuer `lets`, expected one that is declared (did you mean `let`?)");
  expect_fault("certificates: [{ hosts: [a] }]\n", "found certificate without `issuer`");
  expect_fault("certificates: [{ issuer: a }]\n", "found certificate without `hosts`");
  expect_fault(certificate("hosts: [a.b], on_demand: { allow: [a.b] }"), "expected only one of hosts, on_demand");
  expect_fault(certificate("hosts: []"), "found an empty list, expected at least one host");
  expect_fault(certificate("hosts: ['*.com']"), "a wildcard with at least two labels behind it");
  expect_fault(certificate("hosts: ['a*.example.com']"), "a wildcard only as the whole left-most label");
  expect_fault(certificate("hosts: [a.b, A.b.]"), "expected each only once");
  expect_fault(certificate("hosts: ['::1', '0:0::1']"), "expected each only once");
  expect_fault(certificate("hosts: [a.b], name: a/b"), "expected a name without /");
  expect_fault("certificates: [{ directory: d, until_issued: refuse }]\n",
               "found `until_issued`, expected it only with `issuer`");
  expect_fault("certificates: [{ directory: d, key: rsa }]\n", "found `key`, expected it only with `issuer`");
}

TEST(IssuedCertificates, RefuseMoreThanAHundredNames) {
  std::string hosts;
  for (int i = 0; i < 100; ++i) hosts += "h" + std::to_string(i) + ".example.com, ";
  EXPECT_EQ(faults_in(issuers("") + certificate("hosts: [" + hosts + "]")), "no fault");
  expect_fault(certificate("hosts: [" + hosts + "last.example.com]"), "found 101 hosts, expected at most 100");
}

TEST(IssuedCertificates, RefuseTheSameNameTwice) {
  expect_fault("certificates:\n  - { hosts: [a.b], issuer: a }\n  - { hosts: [a.b, c.d], issuer: a }\n" + issuers(""),
               "/etc/s:5:5: found certificate `a.b` a second time, expected another `name`");
  EXPECT_EQ(faults_in("certificates:\n  - { hosts: [a.b], issuer: a }\n  - { hosts: [a.b], issuer: a, name: other }\n" +
                      issuers("")),
            "no fault");
}

TEST(IssuedCertificates, RefuseKeysThatNobodyMakes) {
  expect_fault(certificate("hosts: [a.b], key: dsa"), "found `dsa`, expected one of ecdsa, rsa, both");
  expect_fault(certificate("hosts: [a.b], key: { types: [] }"), "expected ecdsa, rsa, or both");
  expect_fault(certificate("hosts: [a.b], key: { types: [rsa, rsa] }"), "expected each only once");
  expect_fault(certificate("hosts: [a.b], key: { types: [rsa], rsa_bits: 1024 }"), "expected one of 2048, 3072, 4096");
  expect_fault(certificate("hosts: [a.b], key: { rsa_bits: 4096 }"), "expected it only where `types` has rsa");
}

TEST(IssuedCertificates, NeedADnsChallengeForWildcards) {
  expect_fault(issuers("") + certificate("hosts: ['*.example.com']"),
               "/etc/s:6:26: found wildcard `*.example.com` with the challenge `http-01`, expected a challenge by DNS "
               "(`challenge: dns-01`, and `dns` in the issuer `a`)");
  expect_fault(issuers(with_dns) + certificate("hosts: ['*.example.com'], challenge: tls-alpn-01"),
               "with the challenge `tls-alpn-01`, expected a challenge by DNS");
  expect_fault(issuers("challenge: dns-01"), "found `dns-01` without `dns`, expected the key `dns` beside it");
  expect_fault(issuers("") + certificate("hosts: ['*.example.com'], challenge: dns-account-01"),
               "found `dns-account-01` with an issuer without `dns`, expected the key `dns` in the issuer `a`");
  const std::string dns = with_dns;
  for (const char* type : {"dns-01", "dns-account-01", "dns-persist-01"}) {
    EXPECT_EQ(faults_in(issuers(dns) + certificate("hosts: ['*.example.com'], challenge: " + std::string(type))),
              "no fault");
  }
  EXPECT_EQ(faults_in("issuers: { a: { self_signed: {} } }\n" + certificate("hosts: ['*.example.com']")), "no fault");
}

TEST(IssuedCertificates, NeedAnotherChallengeForAddresses) {
  const std::string dns = "challenge: dns-01, " + std::string(with_dns);
  expect_fault(issuers(dns) + certificate("hosts: [192.0.2.1]"),
               "found address `192.0.2.1` with the challenge `dns-01`, expected a host name, or the challenge http-01");
  expect_fault(issuers(dns) + certificate("hosts: [a.example.com, '2001:DB8::1']"), "found address `2001:db8::1`");
  EXPECT_EQ(faults_in(issuers(dns) + certificate("hosts: ['::1'], challenge: tls-alpn-01")), "no fault");
}

TEST(IssuedCertificates, RefuseRenewalsThatNeverEnd) {
  expect_fault(certificate("hosts: [a.b], renew_before: 30s"), "expected a duration from 1m to 365d");
  expect_fault(certificate("hosts: [a.b], renew_before: 366d"), "expected a duration from 1m to 365d");
  expect_fault(certificate("hosts: [a.b], renew_before: 7d") + "issuers: { a: { self_signed: { lifetime: 7d } } }\n",
               "found `renew_before` of 7d, expected less than the lifetime of what the issuer `a` makes, 7d");
}

TEST(OnDemandCertificates, AreNeverForEverybody) {
  expect_fault(certificate("on_demand: {}"), "found certificates for any name that a stranger asks for");
  expect_fault(certificate("on_demand: { allow: [] }"), "found certificates for any name that a stranger asks for");
  expect_fault(certificate("on_demand: { allow: ['*'] }"), "a host name or a pattern");
  expect_fault(certificate("on_demand: { ask: 'http://ask.internal/' }"), "http is only for this very machine");
  expect_fault(certificate("on_demand: { ask: 'https://ask/?a=b' }"), "a URL without a query");
  expect_fault(certificate("on_demand: { allow: [a.b], ask_ca_certificates: a }"), "expected `ask` beside it");
  expect_fault(certificate("on_demand: { allow: [a.b], new_per_hour: 0 }"), "expected a whole number from 1 to 100000");
  expect_fault(certificate("on_demand: { allow: [a.b] }, default: true"), "found `default`");
  EXPECT_EQ(faults_in(issuers("") + certificate("on_demand: { ask: 'http://127.0.0.1:9000/ask' }")), "no fault");
}

TEST(IssuedCertificates, NeedNoProviderWhereTheRecordIsPlacedByHand) {
  EXPECT_EQ(faults_in(issuers("challenge: dns-persist-01") + certificate("hosts: ['*.example.com']")), "no fault");
  EXPECT_EQ(faults_in(issuers("") + certificate("hosts: [example.com], challenge: dns-persist-01")), "no fault");
}

TEST(IssuedCertificates, RefuseWhatOnlyAnAcmeServerTakes) {
  const std::string self = "issuers: { a: { self_signed: {} } }\n";
  expect_fault(self + certificate("hosts: [a], challenge: http-01"),
               "/etc/s:5:41: found `challenge`, expected no such key: the issuer `a` is of the kind `self_signed`");
  expect_fault("issuers: { a: { ca: { certificate: c, key: k } } }\n" + certificate("hosts: [a], profile: short"),
               "/etc/s:5:39: found `profile`, expected no such key: the issuer `a` is of the kind `ca`");
  EXPECT_EQ(faults_in(self + certificate("hosts: [a]")), "no fault");
}

TEST(IssuedCertificates, AreCheckedAgainstTheFallbackToo) {
  const std::string dns = std::string("challenge: dns-01, ") + with_dns;
  const auto two = [&](const std::string& first, const std::string& second) {
    return "issuers:\n" + issuer(first + (first.empty() ? "" : ", ") + "fallback: b") + issuer(second, "b");
  };
  expect_fault(two(dns, "") + certificate("hosts: [example.com, '*.example.com']"),
               "found wildcard `*.example.com` with the challenge `http-01` of the fallback `b`");
  expect_fault(two("", dns) + certificate("hosts: ['192.0.2.1']"),
               "found address `192.0.2.1` with the challenge `dns-01` of the fallback `b`");
  expect_fault(two(dns, "") + certificate("hosts: ['*.example.com'], challenge: dns-01"),
               "found `dns-01` with an issuer without `dns`, expected the key `dns` in the issuer `b`");
  EXPECT_EQ(faults_in(two(dns, dns) + certificate("hosts: ['*.example.com']")), "no fault");
  EXPECT_EQ(faults_in(two("", "") + certificate("hosts: [example.com, '*.example.com']")), "no fault")
      << "the wildcard is left out, which is a warning";
}

}  // namespace
}  // namespace config
