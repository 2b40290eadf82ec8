#include "kube/order_objects.h"

#include <gtest/gtest.h>

#include "kube/order_display.h"
#include "tests/kube/object_server.h"

namespace kube {
namespace {

using nlohmann::json;
using State = acme::ManagedCertificate::State;

CertificateObject certificate() {
  return read_certificate({{"metadata", {{"name", "web"}, {"namespace", "shop"}, {"uid", "u"}}},
                           {"spec",
                            {{"secretName", "web-tls"},
                             {"dnsNames", {"a.example", "*.b.example"}},
                             {"issuerRef", {{"name", "le"}}}}},
                           {"status", {{"revision", 2}}}})
      .value();
}
acme::ManagedCertificate ordering() {
  acme::ManagedCertificate managed;
  managed.issuer_kind = "acme";
  managed.state = State::ordering;
  managed.order = acme::OrderProgress{
      .step = acme::OrderProgress::Step::challenges,
      .issuer = "le",
      .url = "https://ca/order/1",
      .status = "pending",
      .authorizations = {
          {.identifier = acme::identifier_of("a.example"), .status = "pending", .challenge_status = "processing"},
          {.identifier = acme::identifier_of("b.example"),
           .wildcard = true,
           .status = "valid",
           .challenge = config::ChallengeType::dns01}}};
  return managed;
}

TEST(OrderObjects, ShowNothingWhereNothingIsUnderWay) {
  acme::ManagedCertificate managed = ordering();
  managed.state = State::issued;
  EXPECT_TRUE(shown_order(certificate(), managed).order.is_null());
  managed = ordering();
  managed.issuer_kind = "self_signed";
  EXPECT_TRUE(shown_order(certificate(), managed).order.is_null());
}

TEST(OrderObjects, ShowWhyTheCaWasNotAsked) {
  acme::ManagedCertificate managed;
  managed.issuer_kind = "acme";
  managed.state = State::failed;
  managed.problem = "not asked of the CA: port 80: nobody answers";
  const auto shown = shown_order(certificate(), managed);
  EXPECT_EQ(shown.order["metadata"]["name"], "web-3");
  EXPECT_EQ(shown.order["status"]["state"], "pending");
  ASSERT_EQ(shown.challenges.size(), 2U);
  EXPECT_EQ(shown.challenges[0]["status"]["reason"], managed.problem);
  EXPECT_EQ(shown.challenges[1]["spec"]["dnsName"], "b.example");
  EXPECT_EQ(shown.challenges[1]["spec"]["type"], "DNS-01");
}

TEST(OrderObjects, ShowHowFarAnOrderIs) {
  const auto shown = shown_order(certificate(), ordering());
  EXPECT_EQ(shown.order["spec"]["dnsNames"], json({"a.example", "*.b.example"}));
  EXPECT_EQ(shown.order["status"]["url"], "https://ca/order/1");
  ASSERT_EQ(shown.challenges.size(), 1U);  // the other is done
  EXPECT_EQ(shown.challenges[0]["metadata"]["name"], "web-3-0");
  EXPECT_EQ(shown.challenges[0]["metadata"]["ownerReferences"][0]["uid"], "u");
  EXPECT_EQ(shown.challenges[0]["spec"]["type"], "HTTP-01");
  EXPECT_EQ(shown.challenges[0]["status"]["presented"], true);
}

TEST(OrderDisplay, MakesChangesAndTakesAway) {
  test::ObjectServer server;
  Client client(server.access());
  OrderDisplay display(client);
  const std::string folder = "/apis/acme.cert-manager.io/v1/namespaces/shop/";
  display.show({"shop", "web"}, shown_order(certificate(), ordering()), {});
  EXPECT_EQ(server.object(folder + "orders/web-3")["status"]["state"], "pending");
  EXPECT_EQ(server.object(folder + "challenges/web-3-0")["status"]["state"], "processing");
  acme::ManagedCertificate later = ordering();
  later.order->status = "ready";
  later.order->authorizations[0].status = "valid";
  display.show({"shop", "web"}, shown_order(certificate(), later), {});
  EXPECT_EQ(server.object(folder + "orders/web-3")["status"]["state"], "ready");
  EXPECT_TRUE(server.object(folder + "challenges/web-3-0").is_null());
  display.show({"shop", "web"}, {}, {});
  EXPECT_TRUE(server.paths(folder).empty());
}

}  // namespace
}  // namespace kube
