#include "config/parse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "tests/support/config_faults.h"

namespace config {
namespace {

// Enough around a section to be valid.
std::string with(const std::string& more) {
  return "listeners:\n  - address: 127.0.0.1:8080\n" + more;
}

std::string faults_in(const std::string& text) {
  return test::faults_of(text, "dir/s.yaml");
}

void expect_fault(const std::string& text, const std::string& expected) {
  test::expect_fault_in(text, expected, "dir/s.yaml");
}

Config parsed(const std::string& text, const std::filesystem::path& file = "dir/s.yaml") {
  auto config = parse(text, file);
  if (config) return *config;
  for (const Diagnostic& fault : config.error()) ADD_FAILURE() << fault.to_string();
  return {};
}

TEST(Parse, SaysWhereAnUnknownKeyStandsAndWhichWasMeant) {
  EXPECT_EQ(faults_in("listeners:\n  - address: 127.0.0.1:8443\n    tsl: true\n"),
            "dir/s.yaml:3:5: found key `tsl`, expected one of address, tls, proxy_protocol (did you mean `tls`?)\n");
}

TEST(Parse, SaysOfAMisspeltKeyNothingButThat) {
  const std::string listener = "listeners:\n  - address: 127.0.0.1:8443\n    tls: true\n";
  const std::string traffic = "routes:\n  - backend: app\nbackends:\n  app: { endpoints: ['h:1'] }\n";
  const auto lines = [](const std::string& text) { return std::ranges::count(text, '\n'); };
  for (const auto& [text, place] : std::map<std::string, std::string>{
           {"listeners:\n  - adress: 127.0.0.1:80\n", "s.yaml:2:5: found key `adress`"},
           {"listner:\n  - address: 127.0.0.1:80\n", "s.yaml:1:1: found key `listner`"},
           {with("routes:\n  - hosts: [a.b]\n    backnd: app\n"), "found key `backnd`"},
           {with("routes:\n  - backend: app\nbackend:\n  app: { endpoints: ['h:1'] }\n"), "found key `backend`"},
           {listener + "certificate:\n  - directory: x\n" + traffic, "s.yaml:4:1: found key `certificate`"}}) {
    const std::string all = faults_in(text);
    EXPECT_NE(all.find(place), std::string::npos) << all;
    EXPECT_EQ(lines(all), 1) << all;
  }
  EXPECT_EQ(lines(faults_in("wholly_else: 1\n")), 2) << "nothing is near: both are told";
}

TEST(Parse, ReportsEveryFaultInTheOrderOfTheText) {
  const auto config =
      parse("backends:\n  a: { endpoints: [] }\nworkers: many\nlisteners:\n  - tls: perhaps\n", "s.yaml");
  ASSERT_FALSE(config);
  std::vector<unsigned> lines;
  for (const Diagnostic& fault : config.error()) lines.push_back(fault.line);
  EXPECT_EQ(lines, (std::vector<unsigned>{2, 3, 5, 5}));
}

TEST(Parse, RefusesTextThatIsNotYaml) {
  expect_fault("backends:\n  a:\n\tendpoints: []\n", "s.yaml:3:1: found a tab in the indentation, expected spaces");
  expect_fault("listeners:\n\t- address: ':80'\n", "s.yaml:2:1: found a tab in the indentation, expected spaces");
  expect_fault("listeners: [", "s.yaml:1:1: found text that is not YAML: `end of sequence flow not found`");
  expect_fault("a: b: c\n", "expected YAML");
  expect_fault("listeners:\n\t- address: x\n", "s.yaml:2:");
  expect_fault("", "found nothing, expected a mapping");
  expect_fault("just text", "found `just text`, expected a mapping");
}

TEST(Parse, RefusesBytesThatAreNotText) {
  expect_fault("workers: \xff\n", "s.yaml:1:10: found byte 0xff, expected UTF-8");
  expect_fault(std::string("a: b\nc: \0\n", 10), "s.yaml:2:4: found byte 0x00");
}

TEST(Parse, TellsThatAPatternNeedsQuotes) {
  expect_fault(with("routes:\n  - hosts: [*.example.com]\n    respond: {}\n"), "must stand in quotes");
}

TEST(Parse, RefusesDuplicateKeys) {
  expect_fault(with("workers: 1\nworkers: 2\n"),
               "s.yaml:4:1: found key `workers` a second time, expected each key only once");
  expect_fault(with("backends:\n  a: { endpoints: ['h:1'] }\n  a: { endpoints: ['h:1'] }\n"),
               "found key `a` a second time");
}

TEST(Parse, RefusesNestingWithoutEnd) {
  expect_fault(std::string(100, '['), "nested too deeply");
  expect_fault(std::string(100'000, '['), "found ");
}

TEST(Parse, RefusesAliasesThatMultiply) {
  std::string text = "a: &a [x,x,x,x,x,x,x,x,x,x]\n";
  for (char c = 'b'; c < 'k'; ++c) {
    text += std::string(1, c) + ": &" + c + " [";
    for (int i = 0; i < 10; ++i) text += std::string(i == 0 ? "*" : ",*") + static_cast<char>(c - 1);
    text += "]\n";
  }
  expect_fault(text, "aliases that repeat too much");
}

TEST(Parse, RefusesAnAliasOfWhatSurroundsIt) {
  expect_fault("a: &a [*a]\n", "an alias inside the value that it names");
}

TEST(Parse, RefusesASecondDocument) {
  expect_fault(with("---\nworkers: 2\n"), "found a second document");
}

TEST(Parse, RefusesTags) {
  expect_fault(with("workers: !secret 2\n"), "found tag `!secret`");
}

TEST(Parse, BoundsTheNumberOfFaults) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += "key" + std::to_string(i) + ": 1\n";
  const auto config = parse(text, "s.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().size(), 201U);
  EXPECT_EQ(config.error().back().found, "801 more faults");
}

TEST(Parse, FollowsAliases) {
  const Config config = parsed(with("backends:\n  a: &a { endpoints: ['h:1'] }\n  b: *a\n"));
  EXPECT_EQ(config.backends.at("b").endpoints, config.backends.at("a").endpoints);
}

TEST(Parse, ReadsJson) {
  const Config config = parsed("{\n\t\"listeners\": [\n\t\t{\"address\": \":8443\"}\n\t],\n\t\"workers\": 3\n}\n");
  EXPECT_EQ(config.workers, 3U);
  EXPECT_EQ(config.listeners.at(0).address, (SocketAddress{"", 8443}));
}

TEST(Parse, RefusesWorkersOutOfRange) {
  expect_fault(with("workers: 0\n"), "found `0`, expected a whole number from 1 to 1024");
  expect_fault(with("workers: 2000\n"), "found `2000`");
  expect_fault(with("workers: '2'\n"), "found `2`");
  expect_fault(with("workers: outo\n"), "expected auto, or a whole number from 1 to 1024");
  EXPECT_EQ(parsed(with("workers: auto\n")).workers, 0U);
}

TEST(Parse, RefusesReferencesToNothing) {
  expect_fault(with("routes:\n  - backend: ap1\nbackends:\n  app1: { endpoints: ['h:1'] }\n"),
               "s.yaml:4:14: found backend `ap1`, expected one that is declared (did you mean `app1`?)");
  expect_fault(with("routes:\n  - backend: a\n"), "expected one that is declared; there is none");
}

TEST(Parse, CountsABackendWithFaultsAsDeclared) {
  const std::string all = faults_in(with("routes:\n  - backend: a\nbackends:\n  a: { endpoints: [] }\n"));
  EXPECT_EQ(all.find("declared"), std::string::npos) << all;
}

TEST(Parse, RefusesTlsWithoutACertificate) {
  expect_fault("listeners:\n  - address: :8443\n    tls: true\n",
               "s.yaml:3:5: found a listener with TLS and no certificate");
}

TEST(Parse, RefusesAConfigurationWithoutListeners) {
  expect_fault("workers: 2\n", "found configuration without `listeners`");
  expect_fault("listeners: []\n", "found an empty list, expected at least one listener");
}

TEST(Parse, AcceptsOffAsYaml11ToolsWriteIt) {
  EXPECT_EQ(parsed(with("access_log: off\n")).access_log, AccessLog::off);
  EXPECT_EQ(parsed(with("access_log: false\n")).access_log, AccessLog::off);
  EXPECT_EQ(parsed(with("access_log: text\n")).access_log, AccessLog::text);
  expect_fault(with("access_log: jsn\n"), "expected one of json, text, off (did you mean `json`?)");
}

TEST(Parse, TakesRelativePathsFromTheFolderOfTheFile) {
  const std::string text =
      with("state_directory: state\ncertificates:\n  - directory: /abs/./certs\n  - directory: ../certs\n");
  const Config config = parsed(text, "/etc/sekisho/s.yaml");
  EXPECT_EQ(config.state_directory, "/etc/sekisho/state");
  EXPECT_EQ(std::get<DirectoryCertificates>(config.certificates.at(0).from).directory, "/abs/certs");
  EXPECT_EQ(std::get<DirectoryCertificates>(config.certificates.at(1).from).directory, "/etc/certs");
}

TEST(Parse, TakesTheStateDirectoryFromTheEnvironment) {
  ::setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/two", 1);
  EXPECT_EQ(parsed(with("")).state_directory, "/var/lib/one");
  ::unsetenv("STATE_DIRECTORY");
  ::setenv("XDG_STATE_HOME", "/home/x/state", 1);
  EXPECT_EQ(parsed(with("")).state_directory, "/home/x/state/sekisho");
  ::setenv("XDG_STATE_HOME", "relative", 1);
  ::setenv("HOME", "/home/x", 1);
  EXPECT_EQ(parsed(with("")).state_directory, "/home/x/.local/state/sekisho");
  ::unsetenv("XDG_STATE_HOME");
  EXPECT_EQ(parsed(with("")).state_directory, "/home/x/.local/state/sekisho");
}

// The example of the design, in the two halves: what this version refuses, and what it does.
constexpr const char* example = R"(workers: 2                         # or auto: the CPUs that the cgroup allows
state_directory: /var/lib/sekisho  # default: $STATE_DIRECTORY, else the XDG state home
listeners:
  - address: 127.0.0.1:8443
    tls: true
  - address: 127.0.0.1:8080        # plain: answers HTTP-01, serves or redirects to https as the route says
admin:
  address: 127.0.0.1:9180
access_log: off                    # json (default) | text | off
certificates:
  - files: { certificate: app.crt, key: app.key }
  - directory: /mnt/secrets-store
)";
constexpr const char* issued_certificate = R"(  - hosts: [www.example.com, "*.example.com"]
    issuer: letsencrypt
)";
constexpr const char* vault_certificate =
    R"(  - key_vault: { vault: "https://my-vault.vault.azure.net", name: app-ssl-certificate, poll: 2m }
)";
constexpr const char* example_issuers = R"(issuers:
  letsencrypt:
    acme:
      directory: "https://acme-v02.api.letsencrypt.org/directory"
      email: admin@example.com
      agree_to_terms: true
      challenge: http-01           # http-01 | tls-alpn-01 | dns-01
      ca_certificates: extra-roots.pem    # optional: trust for the directory's own TLS, as with a test CA
  local:
    self_signed: {}
)";
constexpr const char* example_end = R"(routes:
  - hosts: [www.example.com]
    path: { prefix: /app1 }
    backend: app1
backends:
  app1:
    endpoints: [127.0.0.1:3000]
)";
constexpr const char* example_mirrors = R"(mirrors:
  - application_gateway: { resource_id: "/subscriptions/…/applicationGateways/gw" }
)";

TEST(Parse, ReadsTheDesignsExample) {
  const Config config = parsed(
      std::string(example) + issued_certificate + vault_certificate + example_issuers + example_end + example_mirrors,
      "/etc/s.yaml");
  ASSERT_EQ(config.mirrors.size(), 1U);
  EXPECT_EQ(config.workers, 2U);
  EXPECT_EQ(config.state_directory, "/var/lib/sekisho");
  ASSERT_EQ(config.listeners.size(), 2U);
  EXPECT_EQ(config.listeners.at(0), (Listener{{"127.0.0.1", 8443}, true, {}}));
  EXPECT_EQ(config.listeners.at(1), (Listener{{"127.0.0.1", 8080}, false, {}}));
  EXPECT_EQ(config.admin, (Admin{{"127.0.0.1", 9180}, std::nullopt}));
  EXPECT_EQ(config.access_log, AccessLog::off);
  ASSERT_EQ(config.certificates.size(), 4U);
  KeyVaultCertificate vault;
  vault.vault = "https://my-vault.vault.azure.net";
  vault.name = "app-ssl-certificate";
  EXPECT_EQ(std::get<KeyVaultCertificate>(config.certificates.at(3).from), vault);
  EXPECT_EQ(config.certificates.at(0).from,
            (decltype(CertificateSource::from)(FilesCertificate{"/etc/app.crt", "/etc/app.key", {}, {}})));
  const auto& issued = std::get<IssuedCertificate>(config.certificates.at(2).from);
  EXPECT_EQ(issued.name, "www.example.com");
  EXPECT_EQ(issued.hosts, (std::vector<std::string>{"www.example.com", "*.example.com"}));
  EXPECT_EQ(issued.issuer, "letsencrypt");
  AcmeIssuer acme;
  acme.directory = "https://acme-v02.api.letsencrypt.org/directory";
  acme.email = "admin@example.com";
  acme.agree_to_terms = true;
  acme.ca_certificates = "/etc/extra-roots.pem";
  EXPECT_EQ(config.issuers, (std::map<std::string, Issuer>{{"letsencrypt", acme}, {"local", SelfSignedIssuer()}}));
  // Said by `check`: of this certificate the wildcard cannot be had by HTTP-01.
  EXPECT_EQ(unprovable_hosts(issued, acme), std::vector<std::string>{"*.example.com"});
  ASSERT_EQ(config.routes.size(), 1U);
  const Route& route = config.routes.front();
  EXPECT_EQ(route.name, "www.example.com/app1");
  EXPECT_EQ(route.hosts, std::vector<std::string>{"www.example.com"});
  EXPECT_EQ(route.path, (PathMatch{PathMatch::Kind::prefix, "/app1"}));
  EXPECT_EQ(std::get<ToBackend>(route.action), (ToBackend{"app1", std::nullopt}));
  EXPECT_EQ(config.backends.at("app1").endpoints, (std::vector<Endpoint>{{"127.0.0.1", 3000, 1}}));
}

TEST(Parse, ReadsTheShippedExample) {
  const auto config = load(std::filesystem::path(SEKISHO_SOURCE_DIR) / "examples/sekisho.yaml");
  ASSERT_TRUE(config) << config.error().front().to_string();
  EXPECT_FALSE(config->routes.empty());
}

TEST(Parse, SaysWhyAFileCannotBeLoaded) {
  const auto config = load("no/such.yaml");
  ASSERT_FALSE(config);
  EXPECT_EQ(config.error().front().to_string(),
            "no/such.yaml: found no text (No such file or directory), expected a configuration file");
}

}  // namespace
}  // namespace config
