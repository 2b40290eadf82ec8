#include "kube/certificate_controller.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/clock.h"
#include "kube/cert_manager_watch.h"
#include "kube/conditions.h"
#include "kube/ingress_certificate.h"
#include "tests/kube/object_server.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace kube {
namespace {

using nlohmann::json;

constexpr auto certificates = "/apis/cert-manager.io/v1/namespaces/shop/certificates/";
constexpr auto issuers = "/apis/cert-manager.io/v1/namespaces/shop/issuers/";
constexpr auto secrets = "/api/v1/namespaces/shop/secrets/";

json object(const std::string& kind, const std::string& name, const json& spec) {
  return {{"apiVersion", "cert-manager.io/v1"},
          {"kind", kind},
          {"metadata", {{"name", name}, {"namespace", "shop"}, {"generation", 1}}},
          {"spec", spec}};
}
json certificate(const json& more = json::object()) {
  json spec{{"secretName", "web-tls"},
            {"dnsNames", {"a.example"}},
            {"privateKey", {{"algorithm", "ECDSA"}}},
            {"issuerRef", {{"name", "own"}}}};
  spec.update(more);
  return object("Certificate", "web", spec);
}

class Controller : public testing::Test {
 protected:
  Controller() { server_.put(std::string(issuers) + "own", object("Issuer", "own", {{"selfSigned", json::object()}})); }
  void begin() {
    controller_.emplace(CertificateController::Options{.client = client_,
                                                       .events = events_,
                                                       .records = records_,
                                                       .locks = locks_,
                                                       .challenges = challenges_,
                                                       .rules = {.cluster_namespace = "edge"},
                                                       .name_space = "shop",
                                                       .serves = serves_,
                                                       .tick = std::chrono::milliseconds(20)});
  }
  json at(const std::string& path) { return server_.object(path); }
  json status(const std::string& name = "web") {
    const json there = at(certificates + name);
    return there.is_object() ? there.value("status", json::object()) : json::object();
  }
  // "True Ready"
  std::string condition(const char* type, const std::string& name = "web") {
    const auto found = condition_of(status(name), type);
    return found ? found->status + " " + found->reason : "none";
  }
  std::string leaf() {
    const json secret = at(std::string(secrets) + "web-tls");
    return secret.is_object() ? secret["data"].value("tls.crt", "") : "";
  }
  std::string told() {
    std::string all;
    for (const std::string& path : server_.paths("/api/v1/namespaces/shop/events/")) {
      const json event = at(path);
      all += event.value("reason", "") + ": " + event.value("message", "") + "\n";
    }
    return all;
  }
  bool ready() {
    return server_.wait_until([this] { return condition("Ready") == "True Ready"; });
  }

  test::ScratchFolder folder_;
  test::ObjectServer server_;
  Client client_{server_.access(), {.requests_per_second = 1000, .burst = 1000}};
  EventRecorder events_{client_, {.instance = "test"}};
  acme::FolderStorage records_{folder_ / "acme"};
  acme::FolderLocks locks_{folder_ / "locks"};
  acme::FolderChallengeTable challenges_{folder_ / "challenges", [](const auto&) {}};
  std::function<bool(const std::string&)> serves_;
  std::optional<CertificateController> controller_;
};

TEST_F(Controller, SaysThatThereIsNoIssuer) {
  server_.put(std::string(certificates) + "web", certificate({{"issuerRef", {{"name", "missing"}}}}));
  begin();
  ASSERT_TRUE(server_.wait_until([this] { return condition("Issuing") == "True Pending"; })) << status().dump();
  EXPECT_EQ(condition("Ready"), "False DoesNotExist");
  EXPECT_EQ(condition_of(status(), "Issuing")->message,
            "Referenced \"Issuer\" not found: issuer.cert-manager.io \"missing\" not found");
  EXPECT_TRUE(server_.wait_until([this] { return told().contains("Pending: Referenced"); })) << told();
}

TEST_F(Controller, SaysThatAnIssuersSecretIsMissing) {
  server_.put(std::string(issuers) + "own", object("Issuer", "own", {{"ca", {{"secretName", "root"}}}}));
  begin();
  ASSERT_TRUE(server_.wait_until([this] {
    const auto found = condition_of(at(std::string(issuers) + "own").value("status", json::object()), "Ready");
    return found && found->reason == "ErrGetKeyPair" && found->message.contains("shop/root does not exist");
  }));
}

TEST_F(Controller, LeavesCertificatesOfOtherIssuersAlone) {
  server_.put(std::string(certificates) + "other",
              object("Certificate", "other",
                     {{"secretName", "x"},
                      {"dnsNames", {"b.example"}},
                      {"issuerRef", {{"name", "a"}, {"kind", "AWSPCAIssuer"}, {"group", "awspca.cert-manager.io"}}}}));
  server_.put(std::string(certificates) + "web", certificate());
  begin();
  ASSERT_TRUE(ready());
  EXPECT_FALSE(at(std::string(certificates) + "other").contains("status"));
}

TEST_F(Controller, StandsAsideForAnIssuerThatIsMarked) {
  json marked = object("Issuer", "theirs", {{"selfSigned", json::object()}});
  marked["metadata"]["annotations"] = {{"sekisho.io/issuer", "cert-manager"}};
  server_.put(std::string(issuers) + "theirs", marked);
  json theirs = certificate({{"issuerRef", {{"name", "theirs"}}}, {"secretName", "x"}});
  theirs["metadata"]["name"] = "theirs";
  server_.put(std::string(certificates) + "theirs", theirs);
  server_.put(std::string(certificates) + "web", certificate());
  begin();
  ASSERT_TRUE(ready());
  EXPECT_FALSE(at(std::string(certificates) + "theirs").contains("status"));
  EXPECT_FALSE(at(std::string(issuers) + "theirs").contains("status"));
}

TEST_F(Controller, UsesAGoodSecretThatIsThere) {
  const test::Minted good = test::Authority("Old CA").issue({.names = {"a.example"}});
  server_.put(
      std::string(secrets) + "web-tls",
      {{"metadata", {{"name", "web-tls"}, {"namespace", "shop"}}},
       {"type", "kubernetes.io/tls"},
       {"data", {{"tls.crt", base::to_base64(good.chain_pem())}, {"tls.key", base::to_base64(good.key_pem())}}}});
  const std::string before = leaf();
  server_.put(std::string(certificates) + "web", certificate());
  begin();
  ASSERT_TRUE(ready()) << status().dump();
  EXPECT_EQ(leaf(), before);
  EXPECT_FALSE(status().contains("revision"));
}

TEST_F(Controller, IssuesIntoASecretAndTells) {
  server_.put(std::string(certificates) + "web", certificate());
  begin();
  ASSERT_TRUE(ready()) << status().dump();
  ASSERT_TRUE(server_.wait_until([this] { return status().value("revision", 0) == 1; }));
  const json secret = at(std::string(secrets) + "web-tls");
  EXPECT_EQ(secret["type"], "kubernetes.io/tls");
  EXPECT_EQ(secret["data"]["ca.crt"], secret["data"]["tls.crt"]);
  EXPECT_EQ(secret["metadata"]["annotations"]["cert-manager.io/issuer-name"], "own");
  EXPECT_EQ(condition("Issuing"), "none");
  ASSERT_TRUE(server_.wait_until([this] { return told().contains("The certificate has been successfully issued"); }));
  EXPECT_TRUE(told().contains("Issuing: Issuing certificate as Secret does not exist")) << told();
  const auto issuer = condition_of(at(std::string(issuers) + "own")["status"], "Ready");
  EXPECT_EQ(issuer->reason, "IsReady");
}

TEST_F(Controller, RenewsWhenSomebodyAsks) {
  server_.put(std::string(certificates) + "web", certificate());
  begin();
  ASSERT_TRUE(server_.wait_until([this] { return status().value("revision", 0) == 1; }));
  const std::string first = leaf();
  json asked = at(std::string(certificates) + "web");
  set_condition(asked["status"], {"Issuing", "True", "ManuallyTriggered", "asked", 1}, base::system_clock().now());
  server_.put(std::string(certificates) + "web", asked);
  ASSERT_TRUE(server_.wait_until([this] { return status().value("revision", 0) == 2; })) << status().dump();
  EXPECT_NE(leaf(), first);
  EXPECT_TRUE(server_.wait_until([this] { return condition("Issuing") == "none"; }));
}

TEST_F(Controller, MakesWhatAnIngressAsksFor) {
  WantedCertificate wanted;
  wanted.secret = {"shop", "web-tls"};
  wanted.ingress = {"networking.k8s.io/v1", "Ingress", {"shop", "web"}, "ingress-uid"};
  wanted.issuer = {"own", "Issuer", ""};
  wanted.hosts = {"a.example"};
  begin();
  controller_->want(
      std::make_shared<CertificateController::Wanted>(CertificateController::Wanted{{wanted.secret, wanted}}));
  ASSERT_TRUE(server_.wait_until([this] { return condition("Ready", "web-tls") == "True Ready"; }));
  ASSERT_TRUE(server_.wait_until(
      [this] { return told().contains("CreateCertificate: Successfully created Certificate \"web-tls\""); }));
  wanted.hosts = {"b.example"};
  controller_->want(
      std::make_shared<CertificateController::Wanted>(CertificateController::Wanted{{wanted.secret, wanted}}));
  ASSERT_TRUE(server_.wait_until([this] { return status("web-tls").value("revision", 0) == 2; }));
  controller_->want(std::make_shared<CertificateController::Wanted>());
  EXPECT_TRUE(server_.wait_until([this] { return at(std::string(certificates) + "web-tls").is_null(); }));
}

// While nobody led, or another did: what it left is found by its owner.
TEST_F(Controller, TakesAwayWhatAnIngressCeasedToAskForWhileAnotherLed) {
  const auto made_for = [](const std::string& name, const std::string& uid) {
    WantedCertificate wanted;
    wanted.secret = {"shop", name};
    wanted.ingress = {"networking.k8s.io/v1", "Ingress", {"shop", "web"}, uid};
    wanted.issuer = {"own", "Issuer", "cert-manager.io"};
    wanted.hosts = {"a.example"};
    return certificate_for(wanted);
  };
  server_.put(std::string(certificates) + "left", made_for("left", "served"));
  server_.put(std::string(certificates) + "others", made_for("others", "of another class"));
  nlohmann::json by_hand = made_for("by-hand", "served");
  by_hand["metadata"].erase("labels");
  server_.put(std::string(certificates) + "by-hand", by_hand);
  serves_ = [](const std::string& uid) { return uid == "served"; };
  begin();
  controller_->want(std::make_shared<CertificateController::Wanted>());
  EXPECT_TRUE(server_.wait_until([this] { return at(std::string(certificates) + "left").is_null(); }));
  EXPECT_TRUE(server_.wait_until([this] { return told().contains("Successfully deleted unrequired Certificate"); }));
  EXPECT_FALSE(at(std::string(certificates) + "others").is_null());
  EXPECT_FALSE(at(std::string(certificates) + "by-hand").is_null());
}

// What a Role in kube-system or a right of the cluster lets it see; without one it cannot tell who else is at work.
class BesideCertManager : public testing::Test {
 protected:
  static constexpr auto lease = "/apis/coordination.k8s.io/v1/namespaces/kube-system/leases/cert-manager-controller";
  bool alive() {
    clock_.advance(std::chrono::minutes(1));
    return watch_.alive({});
  }
  void renew() {
    server_.put(lease, {{"metadata", {{"name", "cert-manager-controller"}, {"namespace", "kube-system"}}},
                        {"spec",
                         {{"holderIdentity", "cm"},
                          {"leaseDurationSeconds", 600},
                          {"renewTime", micro_time(clock_.now() + std::chrono::minutes(1))}}}});
  }
  base::FakeClock clock_{base::system_clock().now()};
  test::ObjectServer server_;
  Client client_{server_.access(), {.clock = clock_, .requests_per_second = 1000, .burst = 1000}};
  CertManagerWatch watch_{client_, {"kube-system", "cert-manager"}};
};

TEST_F(BesideCertManager, StandsAsideWhereItMayNotLook) {
  server_.answer_all_with(403);
  EXPECT_TRUE(alive());
  server_.answer_all_with(0);
  EXPECT_FALSE(alive()) << "no such Lease";
}

TEST_F(BesideCertManager, KeepsTheLastAnswerWhileThereIsNone) {
  EXPECT_FALSE(alive());
  for (const unsigned status : {403U, 404U, 500U, 401U}) {
    server_.answer_all_with(status);
    EXPECT_FALSE(alive()) << status;
  }
  server_.answer_all_with(0);
  renew();
  EXPECT_TRUE(alive());
  for (const unsigned status : {403U, 500U, 401U}) {
    server_.answer_all_with(status);
    EXPECT_TRUE(alive()) << status;
  }
  server_.answer_all_with(404);
  EXPECT_FALSE(alive());
}

}  // namespace
}  // namespace kube
