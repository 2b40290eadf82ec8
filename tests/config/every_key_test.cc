#include <gtest/gtest.h>

#include <filesystem>

#include "config/parse.h"

namespace config {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

Config every_key() {
  auto config = load(std::filesystem::path(SEKISHO_SOURCE_DIR) / "tests/config/every_key.yaml");
  if (config) return *config;
  for (const Diagnostic& fault : config.error()) ADD_FAILURE() << fault.to_string();
  return {};
}

TEST(EveryKey, ReachesListenersAndTls) {
  const Config config = every_key();
  EXPECT_EQ(config.workers, 3U);
  EXPECT_EQ(config.state_directory, "/state");
  ASSERT_EQ(config.listeners.size(), 1U);
  const Listener listener{
      {"127.0.0.1", 8443}, true, {*base::IpNetwork::parse("10.0.0.0/8"), *base::IpNetwork::parse("2001:db8::/32")}};
  EXPECT_EQ(config.listeners.front(), listener);
  EXPECT_EQ(config.admin, (Admin{{"127.0.0.1", 9180}, "/token"}));
  EXPECT_EQ(config.access_log, AccessLog::text);
  Tls tls;
  tls.profile = TlsProfile::modern;
  tls.unknown_name = UnknownName::reject;
  tls.client_certificates = {ClientCertificateMode::optional, "/ca.pem"};
  tls.hosts = {{{"a.example.com", "*.b.example.com"}, {ClientCertificateMode::required, "/other-ca.pem"}}};
  tls.ticket_rotation = seconds(3600);
  EXPECT_EQ(config.tls, tls);
}

TEST(EveryKey, ReachesCertificates) {
  const Config config = every_key();
  ASSERT_EQ(config.certificates.size(), 8U);
  EXPECT_EQ(config.certificates[0], (CertificateSource{FilesCertificate{"/a.crt", "/a.key", {}, {}}, false}));
  EXPECT_EQ(config.certificates[1], (CertificateSource{FilesCertificate{{}, {}, "/b.pfx", "/b.password"}, true}));
  EXPECT_EQ(config.certificates[2], (CertificateSource{DirectoryCertificates{"/certificates"}, false}));
}

TEST(EveryKey, ReachesIssuedCertificates) {
  const Config config = every_key();
  ASSERT_EQ(config.certificates.size(), 8U);
  using Type = CertificateKey::Type;
  IssuedCertificate www;
  www.name = "www";
  www.hosts = {"www.example.com", "*.example.com"};
  www.issuer = "public";
  www.key = {{Type::rsa, Type::ecdsa}, 4096, true};
  www.profile = "shortlived";
  www.challenge = ChallengeType::dns_account01;
  www.renew_before = std::chrono::days(2);
  www.until_issued = IssuedCertificate::UntilIssued::refuse;
  EXPECT_EQ(config.certificates[3], (CertificateSource{www, false}));
  IssuedCertificate shops;
  shops.name = "on-demand";
  shops.issuer = "second";
  shops.key.types = {Type::ecdsa, Type::rsa};
  shops.on_demand =
      OnDemand{{"shop.example.org", "*.shops.example.org"}, "https://ask.internal/allowed", "/ask-ca.pem", 3, 4};
  EXPECT_EQ(config.certificates[4], (CertificateSource{shops, false}));
}

TEST(EveryKey, ReachesVaults) {
  const Config config = every_key();
  ASSERT_EQ(config.certificates.size(), 8U);
  KeyVaultCertificate pinned{.vault = "my-vault", .name = "app", .version = "abc123"};
  pinned.kind = KeyVaultCertificate::Kind::secret;
  pinned.poll = seconds(30);
  pinned.identity = {.tenant_id = "t-2", .client_id = "c-2"};
  EXPECT_EQ(config.certificates[5], (CertificateSource{pinned, false}));
  const KeyVaultCertificate prefixed{.vault = "https://my-vault.vault.azure.net", .prefix = "web-"};
  EXPECT_EQ(config.certificates[6], (CertificateSource{prefixed, false}));
  const KeyVaultCertificate tagged{.vault = "my-vault", .tags = {{"env", "prod"}, {"served-by", "sekisho"}}};
  EXPECT_EQ(config.certificates[7], (CertificateSource{tagged, false}));
}

TEST(EveryKey, ReachesIssuers) {
  const Config config = every_key();
  AcmeIssuer acme;
  acme.directory = "https://ca.example.com/directory";
  acme.email = "admin@example.com";
  acme.agree_to_terms = true;
  acme.challenge = ChallengeType::dns01;
  acme.ca_certificates = "/ca-roots.pem";
  acme.account_key = "/account.pem";
  acme.external_account = {"kid-1", "/eab.key"};
  acme.profile = "tlsserver";
  acme.preferred_chain = "Example Root X1";
  acme.renewal_info = false;
  acme.preflight = Preflight::warn;
  acme.dns =
      DnsSolver{Rfc2136{"ns.example.com:5353", "example.com", "acme_key.example.com", "hmac-sha512", "/tsig.secret"},
                minutes(5),
                {DnsPropagation::Check::none, minutes(3), seconds(30)}};
  acme.nameservers = {"192.0.2.53:53", "[2001:db8::53]:5353"};
  acme.http_port = 5002;
  acme.tls_port = 5001;
  acme.fallback = "second";
  AcmeIssuer second;
  second.directory = "http://127.0.0.1:14000/dir";
  second.agree_to_terms = true;
  second.dns = DnsSolver{DnsExec{{"/hook", "--zone", "example.com"}, seconds(90)}, minutes(1), {}};
  EXPECT_EQ(config.issuers, (std::map<std::string, Issuer>{
                                {"public", acme},
                                {"second", second},
                                {"internal", CaIssuer{"/internal.crt", "/internal.key", std::chrono::days(30)}},
                                {"local", SelfSignedIssuer{std::chrono::days(7)}}}));
}

TEST(EveryKey, ReachesAzure) {
  const Azure azure = every_key().azure;
  EXPECT_EQ(azure.cloud, AzureCloud::us_government);
  EXPECT_EQ(azure.authority_host, "https://login.example.com");
  EXPECT_EQ(azure.resource_manager, "https://arm.example.com");
  EXPECT_EQ(azure.key_vault_suffix, "vault.example.com");
  EXPECT_EQ(azure.metadata_endpoint, "http://127.0.0.1:40342");
  EXPECT_EQ(azure.ca_certificates, "/azure-roots.pem");
  const auto folder = (std::filesystem::path(SEKISHO_SOURCE_DIR) / "tests/config").lexically_normal();
  EXPECT_EQ(azure.identity, (AzureIdentity{AzureIdentity::Kind::command,
                                           "11111111-2222-3333-4444-555555555555",
                                           "client-1",
                                           "/token-of-azure",
                                           "/azure.crt",
                                           "/azure.key",
                                           {(folder / "token").string(), "--scope"}}));
}

TEST(EveryKey, ReachesRoutes) {
  const Config config = every_key();
  ASSERT_EQ(config.routes.size(), 4U);
  Route all;
  all.name = "all";
  all.hosts = {"www.example.com"};
  all.path = {PathMatch::Kind::prefix, "/a"};
  all.methods = {"GET", "POST"};
  all.headers = {{"x-one", HeaderMatch::Kind::exact, "one"},
                 {"x-two", HeaderMatch::Kind::prefix, "t"},
                 {"x-three", HeaderMatch::Kind::present, ""},
                 {"x-four", HeaderMatch::Kind::absent, ""}};
  all.action = ToBackend{"app", "/b"};
  all.redirect_to_https = true;
  all.request_headers = {{"x-remove"}, {{"x-set", "1"}}, {{"x-add", "more"}}};
  all.response_headers.remove = {"server"};
  all.body_size = Bytes{1U << 30U};
  all.request_timeout = seconds(90);
  EXPECT_EQ(config.routes[0], all);
  EXPECT_EQ(std::get<Redirect>(config.routes[1].action),
            (Redirect{308, "https", "new.example.com", 8443, "/there", std::nullopt}));
  EXPECT_EQ(std::get<Redirect>(config.routes[2].action),
            (Redirect{302, std::nullopt, std::nullopt, std::nullopt, std::nullopt, "/new"}));
  EXPECT_EQ(std::get<Respond>(config.routes[3].action), (Respond{410, "text/html", "<p>gone"}));
}

TEST(EveryKey, ReachesBackends) {
  const Config config = every_key();
  Backend app;
  app.name = "app";
  app.endpoints = {{"127.0.0.1", 3000, 1}, {"app.internal", 80, 7}};
  app.balance = Balance::least_requests;
  app.protocol = UpstreamProtocol::http2;
  app.tls = UpstreamTls{false, "app.internal", "/upstream-ca.pem", "/us.crt", "/us.key"};
  app.host_header = "app.internal:8080";
  app.health_check = HealthCheck{"/healthz?deep=1", "health.internal", seconds(1), milliseconds(500), 4, 5, 201, 299};
  app.ejection = {9, minutes(2), 10};
  app.timeouts = {seconds(1), seconds(2), seconds(3), seconds(4), seconds(5)};
  app.limits = {10, 11, seconds(12), 13, seconds(14)};
  app.retries = {2, 30};
  app.proxy_protocol = ProxyProtocolOut::v2;
  app.affinity = AffinityCookie{"stay", hours(2), "/app", SameSite::strict, true, ""};
  EXPECT_EQ(config.backends, (std::map<std::string, Backend>{{"app", app}}));
}

TEST(EveryKey, ReachesLimits) {
  const Config config = every_key();
  EXPECT_EQ(config.https_port, 8443);
  EXPECT_EQ(config.trusted_proxies, std::vector{*base::IpNetwork::parse("192.0.2.1")});
  EXPECT_EQ(config.limits, (Limits{50, Bytes{16384}, Bytes{4096}, Bytes{1'000'000}, Bytes{1024}, 64, 65, 66, 67}));
  EXPECT_EQ(config.timeouts, (Timeouts{seconds(1), seconds(2), seconds(3), seconds(4), seconds(5)}));
  EXPECT_EQ(config.drain, (Drain{seconds(1), seconds(2)}));
}

}  // namespace
}  // namespace config
