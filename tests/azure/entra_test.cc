// The ways of showing Entra who we are, and what it says when it does not believe us.
#include "azure/entra.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <fmt/format.h>

#include "base/base64.h"
#include "tests/azure/azure_script.h"
#include "tests/support/mint.h"

namespace azure {
namespace {

using namespace std::chrono_literals;
using Kind = config::AzureIdentity::Kind;

constexpr const char* endpoint = "POST /tenant-1/oauth2/v2.0/token";
constexpr const char* scope = "https://vault.azure.net/.default";

class EntraTest : public testing::Test {
 protected:
  base::Result<AccessToken> token(const config::Azure& config) {
    return azure.services(config)->tokens->token({.scope = scope, .tenant = {}, .client_id = {}}, {});
  }
  std::string error_of(const config::Azure& config) {
    const auto answer = token(config);
    return answer ? "a token" : answer.error().what;
  }
  static test::AzureScript::Reply refusal(unsigned code, unsigned status = 400) {
    return {.status = status,
            .body = nlohmann::json{{"error", "invalid_request"},
                                   {"error_description", "AADSTS" + std::to_string(code) + ": no.\r\nTrace ID: 1"},
                                   {"error_codes", {code}}}
                        .dump()};
  }

  test::AzureScript azure;
};

TEST_F(EntraTest, NamesWhatOurTokenHasWhereNoFederatedCredentialFits) {
  azure.reply(endpoint, refusal(70021));
  const std::string error = error_of(azure.config());
  for (const char* part : {"client-1", "issuer `https://oidc.example/`", "subject `system:serviceaccount:web:edge`",
                           "audience `api://x`", "(AADSTS70021)"}) {
    EXPECT_TRUE(error.contains(part)) << part << " in " << error;
  }
  azure.reply(endpoint, refusal(700213));
  EXPECT_TRUE(error_of(azure.config()).contains("has the subject of our token, `system:serviceaccount:web:edge`"));
}

TEST_F(EntraTest, NeverTellsTheTokenItself) {
  const std::string secret = test::AzureScript::jwt({{"sub", "x"}});
  azure.folder.write("token", secret);
  for (const unsigned code : {70021U, 700024U, 90061U, 700016U, 1U}) {
    azure.reply(endpoint, refusal(code));
    EXPECT_FALSE(error_of(azure.config()).contains(secret)) << code;
  }
}

TEST_F(EntraTest, SaysWhatToFixForWhatOtherCodesMean) {
  azure.reply(endpoint, refusal(700016));
  EXPECT_TRUE(error_of(azure.config()).contains("there is no application client-1 in the tenant tenant-1"));
  azure.reply(endpoint, refusal(90002));
  EXPECT_TRUE(error_of(azure.config()).contains("there is no tenant tenant-1"));
  azure.reply(endpoint, refusal(65001));
  EXPECT_EQ(error_of(azure.config()), "Entra gives no token: AADSTS65001: no.");
  azure.reply(endpoint, {.status = 502, .body = "<html>"});
  EXPECT_EQ(error_of(azure.config()), "Entra gives no token: HTTP 502");
}

TEST_F(EntraTest, TriesAgainWhatMayPassAndOnlyThat) {
  azure.first(endpoint, {refusal(90033, 503), refusal(70021)});
  ASSERT_TRUE(token(azure.config()));
  EXPECT_EQ(azure.waits, (std::vector<std::chrono::milliseconds>{1s, 2s}));
  azure.reply(endpoint, refusal(700016));
  EXPECT_FALSE(token(azure.config()));
  EXPECT_EQ(azure.count(endpoint), 4U);
}

TEST_F(EntraTest, ReadsTheTokenFileAnewWhenItsTokenIsTooOld) {
  azure.reply(endpoint, [this](const auto& request) -> test::AzureScript::Reply {
    if (request.body.contains("fresh")) return {.body = R"({"access_token":"t","expires_in":"60"})"};
    azure.folder.write("token", "fresh\n");
    return refusal(700024);
  });
  ASSERT_TRUE(token(azure.config()));
  EXPECT_TRUE(azure.waits.empty());
  EXPECT_TRUE(azure.requests(endpoint).back().body.ends_with("client_assertion=fresh"));
}

TEST_F(EntraTest, AsksAsTheDocumentationSays) {
  const auto answer = token(azure.config());
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->secret, "token-1");
  const auto request = azure.requests(endpoint).front();
  EXPECT_EQ(request.header("Content-Type"), "application/x-www-form-urlencoded");
  EXPECT_TRUE(request.body.starts_with(
      "grant_type=client_credentials&client_id=client-1&scope=https%3A%2F%2Fvault.azure.net%2F.default&"
      "client_assertion_type=urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion="));
}

TEST_F(EntraTest, ProvesItselfByACertificate) {
  const test::Authority authority("test");
  const auto minted = authority.issue({.names = {"edge"}, .key = test::KeyKind::rsa_2048});
  azure.folder.write("client.pem", minted.certificate_pem() + minted.key_pem());
  config::Azure config = azure.config();
  config.identity.kind = Kind::client_certificate;
  config.identity.client_certificate = azure.folder / "client.pem";
  ASSERT_TRUE(token(config)) << error_of(config);
  const std::string body = azure.requests(endpoint).front().body;
  const std::string assertion = body.substr(body.rfind('=') + 1);
  const Claims claims = claims_of(assertion);
  EXPECT_EQ(claims.subject, "client-1");
  EXPECT_EQ(claims.issuer, "client-1");
  EXPECT_EQ(claims.audience, azure.server.url("/tenant-1/oauth2/v2.0/token"));
  EXPECT_EQ(claims.expires, azure.clock.now() + 10min);
  const auto header = nlohmann::json::parse(*base::from_base64url(assertion.substr(0, assertion.find('.'))));
  EXPECT_EQ(header.at("alg"), "RS256");
  EXPECT_EQ(base::from_base64url(header.at("x5t").get<std::string>())->size(), 20U);
}

TEST_F(EntraTest, RefusesAClientCertificateThatEntraWould) {
  const auto minted = test::self_signed({.names = {"edge"}});
  azure.folder.write("client.pem", minted.certificate_pem() + minted.key_pem());
  config::Azure config = azure.config();
  config.identity.kind = Kind::client_certificate;
  config.identity.client_certificate = azure.folder / "client.pem";
  EXPECT_TRUE(error_of(config).contains("Entra takes assertions by RSA keys only"));
  azure.folder.remove("client.pem");
  EXPECT_TRUE(error_of(config).contains("client.pem"));
}

TEST_F(EntraTest, TakesWhatAProgramPrints) {
  config::Azure config = azure.config();
  config.identity.kind = Kind::command;
  config.identity.token_command = {"/bin/sh", "-c", "echo secret-of-mine; exit 1"};
  EXPECT_TRUE(error_of(config).contains("exit code 1"));
  EXPECT_FALSE(error_of(config).contains("secret-of-mine"));
  config.identity.token_command = {"/bin/sh", "-c", R"(echo "{\"accessToken\":\"of-$0\",\"expires_on\":1796000000}")"};
  const auto answer = token(config);
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->secret, std::string("of-") + scope);
}

TEST_F(EntraTest, AsksTheMetadataServiceAsItWantsToBeAsked) {
  constexpr const char* metadata = "GET /metadata/identity/oauth2/token";
  config::Azure config = azure.config();
  config.identity.kind = Kind::managed;
  azure.reply(metadata, {.body = R"({"access_token":"m","expires_in":"3599","expires_on":"1796000000"})"});
  azure.first(metadata, {{.status = 410}, {.status = 500}, {.status = 404}});
  const auto answer = token(config);
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(azure.waits, (std::vector<std::chrono::milliseconds>{10s, 2s, 4s}));
  const auto request = azure.requests(metadata).front();
  EXPECT_EQ(request.header("Metadata"), "true");
  EXPECT_EQ(request.target,
            "/metadata/identity/oauth2/token?api-version=2018-02-01&resource=https%3A%2F%2Fvault.azure."
            "net&client_id=client-1");
  azure.reply(metadata,
              {.status = 400, .body = R"({"error":"invalid_request","error_description":"Identity not found"})"});
  EXPECT_EQ(error_of(config), "the machine does not have the managed identity client-1: Identity not found");
}

TEST_F(EntraTest, WaitsForTheMetadataServiceAsLongAsItsUpdateTakes) {
  constexpr const char* metadata = "GET /metadata/identity/oauth2/token";
  config::Azure config = azure.config();
  config.identity.kind = Kind::managed;
  const auto began = azure.clock.steady();
  azure.reply(metadata, [&](const test::AzureScript::Request&) -> test::AzureScript::Reply {
    if (azure.clock.steady() - began < 70s) return {.status = 410};
    return {.body = R"({"access_token":"m","expires_in":"3599"})"};
  });
  const auto answer = token(config);
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(azure.count(metadata), 8U);
  EXPECT_EQ(azure.clock.steady() - began, 70s);
  azure.reply(metadata, {.status = 410});
  EXPECT_TRUE(error_of(config).contains("HTTP 410"));
  EXPECT_EQ(azure.count(metadata), 16U);
  EXPECT_EQ(azure.clock.steady() - began, 140s) << "no longer than it may take";
}

TEST_F(EntraTest, AsksTheMetadataServiceNoMoreOftenThanItCanBear) {
  constexpr const char* metadata = "GET /metadata/identity/oauth2/token";
  config::Azure config = azure.config();
  config.identity.kind = Kind::managed;
  for (const unsigned status : {404U, 429U, 500U, 503U}) {
    azure.waits.clear();
    const std::size_t before = azure.count(metadata);
    azure.reply(metadata, {.status = status});
    EXPECT_TRUE(error_of(config).contains(fmt::format("HTTP {}", status)));
    EXPECT_EQ(azure.waits, (std::vector<std::chrono::milliseconds>{2s, 4s, 8s, 16s})) << status;
    EXPECT_EQ(azure.count(metadata) - before, 5U);
  }
  azure.waits.clear();
  azure.reply(metadata, {.status = 429, .headers = {{"Retry-After", "30"}}});
  EXPECT_TRUE(error_of(config).contains("HTTP 429"));
  EXPECT_EQ(azure.waits, (std::vector<std::chrono::milliseconds>{30s, 30s})) << "as it says, and not for ever";
}

TEST_F(EntraTest, SaysWhatTheConfigurationLacks) {
  config::Azure config = azure.config();
  config.identity.client_id.clear();
  EXPECT_EQ(error_of(config), "azure: no client_id, and no AZURE_CLIENT_ID in the environment");
  config = azure.config();
  config.identity.token_file.clear();
  EXPECT_TRUE(error_of(config).contains("AZURE_FEDERATED_TOKEN_FILE"));
  config = azure.config();
  config.ca_certificates = azure.folder / "absent.pem";
  EXPECT_TRUE(error_of(config).contains("azure: ca_certificates"));
}

TEST_F(EntraTest, GoesThroughTheTokenProxyOfTheCluster) {
  const test::Authority authority("cluster");
  const auto minted = authority.issue({.names = {"proxy.sni"}});
  test::ScriptedServer proxy(
      [](const auto&) -> test::ScriptedServer::Reply { return {.body = R"({"access_token":"p","expires_in":60})"}; },
      {minted.chain_pem(), minted.key_pem()});
  IdentityEnvironment environment;
  environment.token_proxy = proxy.url("/bindings");
  environment.token_proxy_sni = "proxy.sni";
  environment.token_proxy_ca_data = authority.pem();
  const auto services = make_services(azure.config(), azure.clock, environment, {});
  const auto answer = services->tokens->token({.scope = scope, .tenant = {}, .client_id = {}}, {});
  ASSERT_TRUE(answer) << answer.error().what;
  EXPECT_EQ(answer->secret, "p");
  EXPECT_EQ(proxy.requests().front().target, "/bindings/tenant-1/oauth2/v2.0/token");
  EXPECT_EQ(azure.count(endpoint), 0U);
}

}  // namespace
}  // namespace azure
