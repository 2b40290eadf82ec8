#include "kube/certificate_status.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/file.h"
#include "base/timestamps.h"
#include "kube/conditions.h"
#include "kube/memory_files.h"
#include "tests/support/mint.h"

namespace kube {
namespace {

using nlohmann::json;
using State = acme::ManagedCertificate::State;

const base::SystemTime now = *base::parse_rfc3339("2026-06-01T00:00:00Z");
const base::SystemTime later = now + std::chrono::hours(1);

CertificateObject certificate(const json& more = json::object(), const json& status = json::object()) {
  json object{{"metadata", {{"name", "web"}, {"namespace", "shop"}, {"generation", 2}}},
              {"spec",
               {{"secretName", "web-tls"},
                {"dnsNames", {"a.example"}},
                {"privateKey", {{"algorithm", "ECDSA"}}},
                {"issuerRef", {{"name", "le"}, {"kind", "ClusterIssuer"}}}}},
              {"status", status}};
  object["spec"].merge_patch(more);
  return read_certificate(object).value();
}

class CertificateStatus : public testing::Test {
 protected:
  static json pair_secret(const test::Minted& minted) {
    return {
        {"metadata", {{"name", "web-tls"}, {"namespace", "shop"}}},
        {"type", "kubernetes.io/tls"},
        {"data", {{"tls.crt", base::to_base64(minted.chain_pem())}, {"tls.key", base::to_base64(minted.key_pem())}}}};
  }
  test::Minted minted(const std::vector<std::string>& names, const std::string& end = "2026-08-01T00:00:00Z",
                      test::KeyKind kind = test::KeyKind::ec_p256) {
    return authority_.issue({.names = names,
                             .key = kind,
                             .not_before = *base::parse_rfc3339("2026-05-01T00:00:00Z"),
                             .not_after = *base::parse_rfc3339(end)});
  }
  static std::string violation(const CertificateObject& wanted, const json& secret) {
    const auto sight = look_at_secret(wanted, secret);
    return sight.violation ? sight.violation->reason : "none";
  }
  json written(const CertificateObject& wanted, const test::Minted& issued) {
    const auto parsed = certstore::Certificate::from_pem(issued.chain_pem(), issued.key_pem()).value();
    return secret_for(wanted, *parsed, "the CA", "").value();
  }
  json status(const CertificateObject& wanted, const json& secret, const acme::ManagedCertificate* managed = nullptr,
              const Refusal* refusal = nullptr, CertificateSight::Issued issued = CertificateSight::Issued::no) {
    const SecretSight sight = look_at_secret(wanted, secret);
    return status_of(CertificateSight{
        .certificate = wanted, .secret = sight, .managed = managed, .refusal = refusal, .issued = issued, .now = now});
  }
  static std::string shown(const json& status, const char* type) {
    const auto condition = condition_of(status, type);
    return condition ? condition->status + " " + condition->reason + ": " + condition->message : "none";
  }
  test::Authority authority_{"Test CA"};
};

TEST_F(CertificateStatus, SayWhatIsWrongWithTheirSecret) {
  EXPECT_EQ(violation(certificate(), nullptr), "DoesNotExist");
  json secret = pair_secret(minted({"a.example"}));
  secret["data"].erase("tls.key");
  EXPECT_EQ(violation(certificate(), secret), "MissingData");
  secret["data"]["tls.key"] = base::to_base64(minted({"a.example"}).key_pem());
  EXPECT_EQ(violation(certificate(), secret), "InvalidKeyPair");
  EXPECT_EQ(violation(certificate(), {{"metadata", {{"name", "web-tls"}}}, {"data", json::object()}}), "MissingData");
  EXPECT_EQ(violation(certificate({{"dnsNames", {"a.example", "b.example"}}}), pair_secret(minted({"a.example"}))),
            "SecretMismatch");
  EXPECT_EQ(violation(certificate({{"privateKey", nullptr}}), pair_secret(minted({"a.example"}))), "SecretMismatch");
  secret = pair_secret(minted({"a.example"}));
  secret["metadata"]["annotations"] = {{"cert-manager.io/issuer-name", "other"},
                                       {"cert-manager.io/issuer-kind", "Issuer"}};
  EXPECT_EQ(look_at_secret(certificate(), secret).violation->message,
            "Issuing certificate as Secret was previously issued by Issuer.cert-manager.io/other");
}

TEST_F(CertificateStatus, UseAGoodSecretOfAnotherMaker) {
  EXPECT_EQ(violation(certificate(), pair_secret(minted({"a.example", "www.a.example"}))), "none");
  json secret = pair_secret(minted({"a.example"}));
  secret["metadata"]["annotations"] = {{"cert-manager.io/issuer-name", "le"},
                                       {"cert-manager.io/issuer-kind", "ClusterIssuer"},
                                       {"cert-manager.io/issuer-group", "cert-manager.io"}};
  EXPECT_EQ(violation(certificate(), secret), "none");
}

TEST_F(CertificateStatus, AreWrittenAsCertManagerDoes) {
  const CertificateObject wanted = certificate({{"secretTemplate", {{"labels", {{"team", "web"}}}}}});
  const json secret = written(wanted, minted({"a.example"}));
  EXPECT_EQ(secret["type"], "kubernetes.io/tls");
  EXPECT_EQ(secret["metadata"]["annotations"]["cert-manager.io/alt-names"], "a.example");
  EXPECT_EQ(secret["metadata"]["annotations"]["cert-manager.io/certificate-name"], "web");
  EXPECT_EQ(secret["metadata"]["annotations"]["cert-manager.io/issuer-kind"], "ClusterIssuer");
  EXPECT_EQ(secret["metadata"]["annotations"]["cert-manager.io/issuer-group"], "cert-manager.io");
  EXPECT_EQ(secret["metadata"]["labels"]["controller.cert-manager.io/fao"], "true");
  EXPECT_EQ(secret["metadata"]["labels"]["team"], "web");
  EXPECT_EQ(secret["data"]["ca.crt"], base::to_base64("the CA"));
  EXPECT_TRUE(base::from_base64(secret["data"]["tls.key"].get<std::string>())->starts_with("-----BEGIN EC PRIVATE"));
  EXPECT_EQ(violation(wanted, secret), "none");
  EXPECT_EQ(violation(certificate({{"issuerRef", {{"name", "other"}}}}), secret), "IncorrectIssuer");
  const json pkcs8 = written(certificate({{"privateKey", {{"encoding", "PKCS8"}}}}), minted({"a.example"}));
  EXPECT_TRUE(base::from_base64(pkcs8["data"]["tls.key"].get<std::string>())->starts_with("-----BEGIN PRIVATE"));
}

TEST_F(CertificateStatus, AreIssuedAgainWithFewerNames) {
  const json secret =
      written(certificate({{"dnsNames", {"a.example", "b.example"}}}), minted({"a.example", "b.example"}));
  EXPECT_EQ(violation(certificate(), secret), "SecretMismatch");
}

TEST_F(CertificateStatus, SayThatTheyAreNotThereYet) {
  const json first = status(certificate(), nullptr);
  EXPECT_EQ(shown(first, "Ready"), "False DoesNotExist: Issuing certificate as Secret does not exist");
  EXPECT_EQ(shown(first, "Issuing"), "True DoesNotExist: Issuing certificate as Secret does not exist");
  const Refusal refusal{"Pending", "Referenced \"Issuer\" not found"};
  EXPECT_EQ(shown(status(certificate(), nullptr, nullptr, &refusal), "Issuing"),
            "True Pending: Referenced \"Issuer\" not found");
}

TEST_F(CertificateStatus, SayThatTheyHaveExpired) {
  const json expired = status(certificate(), pair_secret(minted({"a.example"}, "2026-05-02T00:00:00Z")));
  EXPECT_EQ(shown(expired, "Ready"), "False Expired: Certificate expired on 2026-05-02T00:00:00Z");
  EXPECT_EQ(condition_of(expired, "Issuing")->reason, "Renewing");
}

TEST_F(CertificateStatus, CountTheirFailures) {
  acme::ManagedCertificate managed;
  managed.state = State::failed;
  managed.problem = "the CA says no";
  managed.failures = 3;
  managed.failed_at = now;
  const json failed = status(certificate(), nullptr, &managed);
  EXPECT_EQ(shown(failed, "Issuing"),
            "False Failed: The certificate request has failed to complete and will be retried: the CA says no");
  EXPECT_EQ(failed["failedIssuanceAttempts"], 3);
  EXPECT_EQ(failed["lastFailureTime"], "2026-06-01T00:00:00Z");
  managed.state = State::issued;
  const json secret = pair_secret(minted({"a.example"}));
  const json issued =
      status(certificate(json::object(), failed), secret, &managed, nullptr, CertificateSight::Issued::just_now);
  EXPECT_FALSE(issued.contains("failedIssuanceAttempts"));
  EXPECT_EQ(issued["revision"], 1);
  EXPECT_EQ(shown(issued, "Issuing"), "none");
}

TEST_F(CertificateStatus, AreReady) {
  acme::ManagedCertificate managed;
  managed.state = State::issued;
  managed.next_action = later;
  const json ready = status(certificate(), pair_secret(minted({"a.example"})), &managed);
  EXPECT_EQ(shown(ready, "Ready"), "True Ready: Certificate is up to date and has not expired");
  EXPECT_EQ(condition_of(ready, "Ready")->observed_generation, 2);
  EXPECT_EQ(ready["notBefore"], "2026-05-01T00:00:00Z");
  EXPECT_EQ(ready["notAfter"], "2026-08-01T00:00:00Z");
  EXPECT_EQ(ready["renewalTime"], "2026-06-01T01:00:00Z");
  EXPECT_FALSE(ready.contains("revision"));
}

TEST_F(CertificateStatus, AreRenewedBecauseSomebodyAsked) {
  json asked;
  set_condition(asked, {"Issuing", "True", "ManuallyTriggered", "Certificate re-issuance manually triggered", 2}, now);
  EXPECT_TRUE(is_triggered(asked));
  const json secret = pair_secret(minted({"a.example"}));
  const json waiting = status(certificate(json::object(), asked), secret);
  EXPECT_TRUE(is_triggered(waiting));
  EXPECT_EQ(condition_of(waiting, "Ready")->status, "True");
  EXPECT_FALSE(is_triggered(
      status(certificate(json::object(), asked), secret, nullptr, nullptr, CertificateSight::Issued::just_now)));
}

TEST(Conditions, ChangeTheirTimeWithTheirStatusAlone) {
  json status;
  set_condition(status, {"Ready", "False", "A", "", 1}, now);
  set_condition(status, {"Ready", "False", "B", "", 2}, later);
  EXPECT_EQ(status["conditions"][0]["lastTransitionTime"], "2026-06-01T00:00:00Z");
  EXPECT_EQ(status["conditions"][0]["reason"], "B");
  set_condition(status, {"Ready", "True", "C", "", 2}, later);
  EXPECT_EQ(status["conditions"][0]["lastTransitionTime"], "2026-06-01T01:00:00Z");
  EXPECT_EQ(status["conditions"].size(), 1U);
  remove_condition(status, "Ready");
  EXPECT_TRUE(status["conditions"].empty());
}

TEST(Conditions, StandWhateverSomebodyWroteThere) {
  json status{{"conditions", "x"}};
  EXPECT_FALSE(condition_of(status, "Ready"));
  set_condition(status, {"Ready", "True", "A", "", 0}, now);
  EXPECT_TRUE(is_true(status, "Ready"));
  EXPECT_FALSE(condition_of(json({{"conditions", {1, "x", json::object()}}}), "Ready"));
}

TEST(Conditions, ArePatchedOnlyWhereTheyDiffer) {
  EXPECT_TRUE(status_patch({{"a", 1}}, {{"a", 1}}).is_null());
  EXPECT_EQ(status_patch({{"a", 1}, {"b", 2}}, {{"a", 3}}), json({{"a", 3}, {"b", nullptr}}));
}

TEST(IssuerStatus, SaysWhetherItCanBeUsed) {
  const auto read = [](const json& spec, const json& status = json::object()) {
    return read_issuer(resources::issuers, {{"metadata", {{"name", "a"}, {"namespace", "b"}, {"generation", 4}}},
                                            {"spec", spec},
                                            {"status", status}})
        .value();
  };
  const auto acme =
      read({{"acme", {{"server", "https://ca"}, {"email", "m@x"}, {"privateKeySecretRef", {{"name", "k"}}}}}});
  const auto says = [](const json& status) {
    const auto ready = condition_of(status, "Ready");
    return ready ? ready->status + " " + ready->reason : "none";
  };
  const Refusal refusal{"ErrRegisterACMEAccount", "Failed to register ACME account: no"};
  EXPECT_EQ(says(status_of(IssuerSight{.issuer = acme, .refusal = &refusal, .account_url = "", .now = now})),
            "False ErrRegisterACMEAccount");
  EXPECT_EQ(says(status_of(IssuerSight{.issuer = acme, .account_url = "", .now = now})), "none");
  const json ready = status_of(IssuerSight{.issuer = acme, .account_url = "https://ca/1", .now = now});
  EXPECT_EQ(says(ready), "True ACMEAccountRegistered");
  EXPECT_EQ(ready["acme"]["uri"], "https://ca/1");
  EXPECT_EQ(ready["acme"]["lastRegisteredEmail"], "m@x");
  const auto itself = read({{"selfSigned", json::object()}});
  EXPECT_EQ(says(status_of(IssuerSight{.issuer = itself, .account_url = "", .now = now})), "True IsReady");
  const auto ca = read({{"ca", {{"secretName", "x"}}}});
  EXPECT_EQ(says(status_of(IssuerSight{.issuer = ca, .account_url = "", .now = now})), "True KeyPairVerified");
}

TEST(MemoryFiles, KeepSecretsOffTheDisk) {
  MemoryFiles files;
  const auto path = files.path_of("secret");
  ASSERT_TRUE(path);
  EXPECT_EQ(base::read_file(*path).value(), "secret");
  EXPECT_EQ(base::read_file(*path).value(), "secret");  // from its beginning each time
  EXPECT_EQ(files.path_of("secret").value(), *path);
  EXPECT_NE(files.path_of("other").value(), *path);
  EXPECT_FALSE(base::write_file_atomically(*path, "x"));
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(files.path_of(std::to_string(i)));
  files.sweep({});
  EXPECT_EQ(files.path_of("secret").value(), *path);
  files.sweep({});
  EXPECT_EQ(files.size(), 1U);
}

// An issuer whose Secret could not be read this minute goes by the path that it knows.
TEST(MemoryFiles, KeepWhatIsNamedThoughNobodyAskedForIt) {
  MemoryFiles files;
  const auto path = files.path_of("key of the one").value();
  for (int i = 0; i < 300; ++i) ASSERT_TRUE(files.path_of(std::to_string(i)));
  files.sweep({path});
  files.sweep({path});
  EXPECT_EQ(files.size(), 1U);
  EXPECT_EQ(base::read_file(path).value(), "key of the one");
}

// Nor does an order that runs with what is known no more find the key of another in its place.
TEST(MemoryFiles, NeverGiveThePathOfOneToTheNext) {
  MemoryFiles files;
  std::set<std::filesystem::path> had;
  for (int i = 0; i < 300; ++i) had.insert(files.path_of(std::to_string(i)).value());
  files.sweep({});
  files.sweep({});
  EXPECT_EQ(files.size(), 0U);
  for (const auto& path : had) EXPECT_FALSE(base::read_file(path)) << path;
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(had.contains(files.path_of("other" + std::to_string(i)).value()));
}

}  // namespace
}  // namespace kube
