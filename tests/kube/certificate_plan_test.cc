#include "kube/certificate_plan.h"

#include <gtest/gtest.h>

#include <fmt/ranges.h>

#include "acme/accounts.h"
#include "kube/ingress_certificate.h"

namespace kube {
namespace {

using nlohmann::json;
using namespace std::chrono_literals;

json certificate_json(const json& more = json::object()) {
  json spec{{"secretName", "web-tls"},
            {"dnsNames", {"a.example", "b.example"}},
            {"issuerRef", {{"name", "le"}, {"kind", "ClusterIssuer"}}}};
  spec.merge_patch(more);
  return {{"metadata", {{"name", "web"}, {"namespace", "shop"}, {"uid", "u"}, {"generation", 2}}}, {"spec", spec}};
}
CertificateObject certificate(const json& more = json::object()) {
  auto read = read_certificate(certificate_json(more));
  EXPECT_TRUE(read) << (read ? "" : to_string(read.error()));
  return read ? *read : CertificateObject();
}
IssuerObject issuer(const json& spec) {
  return read_issuer(resources::cluster_issuers, {{"metadata", {{"name", "le"}}}, {"spec", spec}}).value();
}
IssuerObject acme_issuer(const json& more = json::object()) {
  json spec{{"server", "https://ca.example/dir"},
            {"email", "a@b.example"},
            {"privateKeySecretRef", {{"name", "le-key"}}},
            {"solvers", {{{"http01", {{"ingress", json::object()}}}}}}};
  spec.merge_patch(more);
  return issuer({{"acme", spec}});
}
const IssuingRules rules{.cluster_namespace = "edge", .nameservers = {"192.0.2.53:53"}};
std::expected<CertificatePlan, Refusal> plan(const CertificateObject& wanted, const IssuerObject& by) {
  return plan_certificate(wanted, by,
                          {.ca_certificates = "bundle",
                           .account_key = "account",
                           .hmac_key = "hmac",
                           .solver_secrets = {{{"tsig", "key"}, "tsig-file"}, {{"azure", "key"}, "azure-file"}},
                           .ca_certificate = "ca.crt",
                           .ca_key = "ca.key"},
                          rules);
}
std::string refusal(const CertificateObject& wanted, const IssuerObject& by) {
  const auto planned = plan(wanted, by);
  return planned ? "none" : planned.error().reason + ": " + planned.error().message;
}
std::string fault(const json& more) {
  const auto read = read_certificate(certificate_json(more));
  return read ? "none" : to_string(read.error());
}

TEST(CertificateObject, SaysWhatIsWrong) {
  EXPECT_TRUE(fault({{"secretName", nullptr}}).contains("spec.secretName"));
  EXPECT_TRUE(fault({{"issuerRef", nullptr}}).contains("spec.issuerRef"));
  EXPECT_TRUE(fault({{"dnsNames", nullptr}}).contains("dnsNames, ipAddresses or commonName"));
  EXPECT_TRUE(fault({{"dnsNames", {"a b"}}}).contains("`a b`"));
  EXPECT_TRUE(fault({{"ipAddresses", {"300.1.1.1"}}}).contains("300.1.1.1"));
  EXPECT_TRUE(fault({{"duration", "30m"}}).contains("at least 1h"));
  EXPECT_TRUE(fault({{"renewBefore", "1s"}}).contains("at least 5m"));
  EXPECT_TRUE(fault({{"renewBefore", "24h"}, {"renewBeforePercentage", 20}}).contains("one of the two"));
  EXPECT_TRUE(fault({{"commonName", std::string(65, 'a')}}).contains("at most 64"));
  json names = json::array();
  for (int i = 0; i < 100; ++i) names.push_back(fmt::format("{}.example", i));
  EXPECT_EQ(fault({{"dnsNames", names}}), "none");
  names.push_back("more.example");
  EXPECT_TRUE(fault({{"dnsNames", names}}).contains("found 101 names, expected at most 100"));
}

TEST(CertificateObject, KnowsItsNames) {
  const auto read = certificate({{"dnsNames", {"A.example", "b.example", "a.example"}},
                                 {"commonName", "c.example"},
                                 {"ipAddresses", {"192.0.2.1"}}});
  EXPECT_EQ(fmt::format("{}", fmt::join(read.hosts(), " ")), "a.example b.example c.example 192.0.2.1");
  EXPECT_EQ(certificate({{"commonName", "My Shop"}}).hosts().size(), 2U);
  EXPECT_EQ(certificate({{"issuerRef", {{"kind", nullptr}}}}).issuer, (IssuerRef{"le", "Issuer", "cert-manager.io"}));
}

TEST(CertificatePlan, RefusesWhatItCannotDoAndSaysWhatToDo) {
  const struct {
    CertificateObject certificate;
    IssuerObject issuer;
    const char* says;
  } cases[] = {
      {certificate({{"isCA", true}}), acme_issuer(),
       "UnsupportedField: sekisho cannot make a certificate with spec.isCA: put the CA's certificate and key into a "
       "Secret for an issuer with spec.ca"},
      {certificate({{"uris", {"spiffe://x"}}}), acme_issuer(), "spec.uris"},
      {certificate({{"privateKey", {{"algorithm", "Ed25519"}}}}), acme_issuer(), "UnsupportedPrivateKey"},
      {certificate({{"privateKey", {{"algorithm", "ECDSA"}, {"size", 384}}}}), acme_issuer(),
       "set privateKey.size to 256"},
      {certificate({{"privateKey", {{"size", 8192}}}}), acme_issuer(), "2048, 3072 or 4096"},
      {certificate({{"dnsNames", {"*.a.example"}}}), acme_issuer(), "NoSolver: no configured challenge solvers"},
      {certificate(), acme_issuer({{"skipTLSVerify", true}}), "put the CA's root into spec.acme.caBundle"},
      {certificate(), acme_issuer({{"solvers", json::array()}}), "at least one"},
      {certificate(), acme_issuer({{"server", "http://ca.example"}}), "no https URL"},
      {certificate(), issuer({{"vault", json::object()}}), "UnsupportedIssuer"},
      {certificate({{"duration", "2h"}, {"renewBefore", "3h"}}), issuer({{"selfSigned", json::object()}}), "less than"},
      {certificate(),
       acme_issuer(
           {{"solvers",
             {{{"dns01",
                {{"azureDNS", {{"subscriptionID", "s"}, {"resourceGroupName", "g"}, {"environment", "Mars"}}}}}}}}}),
       "no environment Mars"},
      {certificate(),
       acme_issuer(
           {{"solvers", {{{"dns01", {{"azureDNS", {{"subscriptionID", "s/../t"}, {"resourceGroupName", "g"}}}}}}}}}),
       "cannot be one"},
      {certificate(),
       acme_issuer({{"solvers",
                     {{{"dns01",
                        {{"azureDNS",
                          {{"subscriptionID", "s"},
                           {"resourceGroupName", "g"},
                           {"clientSecretSecretRef", {{"name", "azure"}, {"key", "key"}}}}}}}}}}}),
       "clientID and tenantID"},
      {certificate(), acme_issuer({{"solvers", {{{"dns01", {{"webhook", json::object()}}}}}}}), "no solver webhook"},
      {certificate(),
       acme_issuer({{"solvers",
                     {{{"http01", json::object()}},
                      {{"dns01", {{"rfc2136", {{"nameserver", "192.0.2.1"}}}}},
                       {"selector", {{"dnsNames", {"b.example"}}}}}}}}),
       "SeveralSolvers: a.example and b.example"},
      {certificate(),
       acme_issuer(
           {{"solvers",
             {{{"dns01",
                {{"rfc2136",
                  {{"nameserver", "192.0.2.1"}, {"tsigSecretSecretRef", {{"name", "tsig"}, {"key", "key"}}}}}}}}}}}),
       "HMACMD5"},
  };
  for (const auto& each : cases) {
    const std::string said = refusal(each.certificate, each.issuer);
    EXPECT_TRUE(said.contains(each.says)) << said << "\ninstead of " << each.says;
  }
}

TEST(CertificatePlan, PlansAnOrder) {
  const auto planned = plan(certificate({{"renewBefore", "360h"}, {"privateKey", {{"rotationPolicy", "Never"}}}}),
                            acme_issuer({{"profile", "tlsserver"}, {"preferredChain", "X1"}}));
  ASSERT_TRUE(planned);
  EXPECT_EQ(planned->wanted.name, "shop/web");
  EXPECT_EQ(planned->wanted.hosts, (std::vector<std::string>{"a.example", "b.example"}));
  EXPECT_EQ(planned->wanted.issuer, "ClusterIssuer/le#0");
  EXPECT_EQ(planned->wanted.renew_before, 360h);
  EXPECT_TRUE(planned->wanted.key.reuse);
  EXPECT_EQ(planned->wanted.key.types.front(), config::CertificateKey::Type::rsa);
  const auto& acme = std::get<config::AcmeIssuer>(planned->issuer);
  EXPECT_EQ(acme.directory, "https://ca.example/dir");
  EXPECT_EQ(acme.profile, "tlsserver");
  EXPECT_EQ(acme.account_key, "account");
  EXPECT_EQ(acme.ca_certificates, "bundle");
  EXPECT_TRUE(acme.agree_to_terms);
  EXPECT_EQ(acme.nameservers, rules.nameservers);
}

TEST(CertificatePlan, PlansAChallengeByDns) {
  const auto planned = plan(certificate({{"dnsNames", {"*.a.example"}}, {"privateKey", {{"algorithm", "ECDSA"}}}}),
                            acme_issuer({{"solvers",
                                          {{{"http01", json::object()}},
                                           {{"dns01",
                                             {{"rfc2136",
                                               {{"nameserver", "192.0.2.1"},
                                                {"tsigKeyName", "name."},
                                                {"tsigAlgorithm", "HMACSHA512"},
                                                {"tsigSecretSecretRef", {{"name", "tsig"}, {"key", "key"}}}}}}}}}}}));
  ASSERT_TRUE(planned) << planned.error().message;
  const auto& acme = std::get<config::AcmeIssuer>(planned->issuer);
  EXPECT_EQ(acme.challenge, config::ChallengeType::dns01);
  const auto& zone = std::get<config::Rfc2136>(acme.dns->provider);
  EXPECT_EQ(zone.server, "192.0.2.1:53");
  EXPECT_EQ(zone.secret_file, "tsig-file");
  EXPECT_EQ(zone.key_algorithm, "hmac-sha512");
  EXPECT_EQ(planned->wanted.issuer, "ClusterIssuer/le#1");
}

json azure_solver(json with) {
  json azure{{"subscriptionID", "s"}, {"resourceGroupName", "g"}, {"hostedZoneName", "a.example"}};
  azure.update(with);
  return {{"solvers", json::array({{{"dns01", {{"azureDNS", azure}}}}})}};
}

TEST(CertificatePlan, PlansAChallengeInAzureDns) {
  const auto planned =
      plan(certificate(), acme_issuer(azure_solver({{"managedIdentity", {{"clientID", "id"}, {"tenantID", "t"}}},
                                                    {"environment", "AzureChinaCloud"}})));
  ASSERT_TRUE(planned) << planned.error().message;
  const auto& acme = std::get<config::AcmeIssuer>(planned->issuer);
  EXPECT_EQ(acme.challenge, config::ChallengeType::dns01);
  const auto& zone = std::get<config::AzureDns>(acme.dns->provider);
  EXPECT_EQ(zone.subscription_id, "s");
  EXPECT_EQ(zone.resource_group, "g");
  EXPECT_EQ(zone.zone, "a.example");
  EXPECT_EQ(zone.cloud, config::AzureCloud::china);
  EXPECT_EQ(zone.identity.client_id, "id");
  EXPECT_EQ(zone.identity.tenant_id, "t");
  EXPECT_TRUE(zone.client_secret_file.empty());
}

TEST(CertificatePlan, LendsItsOwnIdentityToClusterIssuersOnly) {
  IssuerObject of_namespace = acme_issuer(azure_solver(json::object()));
  of_namespace.metadata.name.name_space = "shop";
  EXPECT_TRUE(refusal(certificate(), of_namespace).contains("only a ClusterIssuer"));
  const json secret{
      {"clientID", "id"}, {"tenantID", "t"}, {"clientSecretSecretRef", {{"name", "azure"}, {"key", "key"}}}};
  IssuerObject with_secret = acme_issuer(azure_solver(secret));
  with_secret.metadata.name.name_space = "shop";
  const auto planned = plan(certificate(), with_secret);
  ASSERT_TRUE(planned) << planned.error().message;
  const auto& zone = std::get<config::AzureDns>(std::get<config::AcmeIssuer>(planned->issuer).dns->provider);
  EXPECT_EQ(zone.client_secret_file, "azure-file");
  json unread = secret;
  unread["clientSecretSecretRef"]["name"] = "other";
  EXPECT_TRUE(refusal(certificate(), acme_issuer(azure_solver(unread))).contains("not known yet"));
}

TEST(CertificatePlan, PlansWithoutACaOfTheWorld) {
  const auto by_ca = plan(certificate({{"duration", "48h"}, {"renewBeforePercentage", 25}}),
                          issuer({{"ca", {{"secretName", "root"}}}}));
  ASSERT_TRUE(by_ca);
  EXPECT_EQ(std::get<config::CaIssuer>(by_ca->issuer).lifetime, 48h);
  EXPECT_EQ(std::get<config::CaIssuer>(by_ca->issuer).key, "ca.key");
  EXPECT_EQ(by_ca->wanted.renew_before, 12h);
  EXPECT_EQ(by_ca->wanted.issuer, "ClusterIssuer/le#172800s");
  const auto by_itself = plan(certificate(), issuer({{"selfSigned", json::object()}}));
  ASSERT_TRUE(by_itself);
  EXPECT_EQ(std::get<config::SelfSignedIssuer>(by_itself->issuer).lifetime, 2160h);
}

TEST(CertificatePlan, KeepsAccountsApartByTheirKeys) {
  const auto id = [](const json& more) {
    return acme::Accounts::id_of(std::get<config::AcmeIssuer>(plan(certificate(), acme_issuer(more))->issuer));
  };
  EXPECT_EQ(id(json::object()), id({{"email", "other@b.example"}}));
  EXPECT_NE(id(json::object()), id({{"privateKeySecretRef", {{"name", "other"}}}}));
  EXPECT_NE(id(json::object()), id({{"server", "https://other.example/dir"}}));
}

WantedCertificate wanted_by_ingress() {
  WantedCertificate wanted;
  wanted.secret = {"shop", "web-tls"};
  wanted.ingress = {"networking.k8s.io/v1", "Ingress", {"shop", "web"}, "ingress-uid"};
  wanted.issuer = {"le", "ClusterIssuer", ""};
  wanted.hosts = {"a.example", "192.0.2.1"};
  wanted.duration = 2160h;
  wanted.key.algorithm = "ECDSA";
  return wanted;
}

TEST(IngressCertificate, IsLeftAloneWhereItBelongsToSomebodyElse) {
  const CertificateObject others = certificate();
  EXPECT_EQ(step_for(wanted_by_ingress(), &others), IngressCertificateStep::not_ours);
  EXPECT_FALSE(ingress_of(others));
}

TEST(IngressCertificate, IsMadeAndKeptUpToDate) {
  WantedCertificate wanted = wanted_by_ingress();
  EXPECT_EQ(step_for(wanted, nullptr), IngressCertificateStep::create);
  const json object = certificate_for(wanted);
  EXPECT_EQ(object["metadata"]["name"], "web-tls");
  EXPECT_EQ(object["metadata"]["ownerReferences"][0]["uid"], "ingress-uid");
  EXPECT_EQ(object["spec"]["duration"], "2160h0m0s");
  EXPECT_EQ(object["spec"]["ipAddresses"], json({"192.0.2.1"}));
  EXPECT_EQ(object["spec"]["issuerRef"]["group"], "cert-manager.io");
  const auto there = read_certificate(object);
  ASSERT_TRUE(there) << to_string(there.error());
  EXPECT_EQ(ingress_of(*there), wanted.ingress);
  EXPECT_EQ(step_for(wanted, &*there), IngressCertificateStep::nothing);
  wanted.hosts = {"b.example"};
  wanted.duration.reset();
  EXPECT_EQ(step_for(wanted, &*there), IngressCertificateStep::update);
  EXPECT_EQ(patch_for(wanted, *there),
            json({{"spec", {{"dnsNames", {"b.example"}}, {"ipAddresses", nullptr}, {"duration", nullptr}}}}));
}

}  // namespace
}  // namespace kube
