#include "azure/gateway_document.h"

#include <gtest/gtest.h>

#include "certstore/certificate.h"
#include "tests/azure/gateway_examples.h"

namespace azure {
namespace {

using nlohmann::ordered_json;

TEST(GatewayDocument, RefusesWhatIsNoGateway) {
  for (const char* text : {"", "null", "[]", "{}", R"({"id":"/a"})", R"({"id":"/a","properties":[]})",
                           R"({"properties":{}})", R"({"id":"/a","properties":{"sslCertificates":{}}})"}) {
    const auto document = GatewayDocument::parse(text);
    ASSERT_FALSE(document) << text;
    EXPECT_EQ(document.error().code, base::Code::protocol);
  }
}

TEST(GatewayDocument, ReadsThePublishedExample) {
  const auto document = GatewayDocument::parse(test::published_gateway().dump(2));
  ASSERT_TRUE(document) << document.error().what;
  EXPECT_EQ(document->id(), test::gateway_id);
  EXPECT_FALSE(document->stopped());
  EXPECT_FALSE(document->updating());
  ASSERT_EQ(document->certificates().size(), 1U);
  const GatewayCertificate& certificate = document->certificates().front();
  EXPECT_EQ(certificate.name, "sslcert");
  EXPECT_TRUE(certificate.referenced);
  EXPECT_TRUE(certificate.fingerprints.empty()) << "the example hides it behind asterisks";
  EXPECT_FALSE(certificate.unreadable.empty());
  const auto listener = document->listener("APPGWHL");
  ASSERT_TRUE(listener);
  EXPECT_EQ(document->listeners()[*listener].protocol, "Https");
  EXPECT_EQ(document->listeners()[*listener].certificate_id, document->certificate_id("sslcert"));
}

TEST(GatewayDocument, SaysThatItIsStoppedOrBeingChanged) {
  ordered_json gateway = test::gateway_with({});
  gateway["properties"]["operationalState"] = "Stopped";
  gateway["properties"]["provisioningState"] = "Updating";
  const auto document = GatewayDocument::parse(gateway.dump());
  ASSERT_TRUE(document);
  EXPECT_TRUE(document->stopped());
  EXPECT_TRUE(document->updating());
  gateway["properties"]["provisioningState"] = "Failed";
  EXPECT_FALSE(GatewayDocument::parse(gateway.dump())->updating());
}

TEST(GatewayDocument, KnowsTheCertificatesByTheirFingerprints) {
  const test::Minted pair = test::Authority("root").intermediate("middle").issue({.names = {"www.example.com"}});
  const auto certificate = *certstore::Certificate::from_pem(pair.chain_pem(), pair.key_pem());
  const auto document =
      GatewayDocument::parse(test::gateway_with({test::gateway_certificate("a", test::public_data(pair))}).dump());
  ASSERT_TRUE(document);
  EXPECT_TRUE(document->certificates()[0].shows(certificate->fingerprint()));
  EXPECT_FALSE(document->certificates()[0].shows(std::string(64, '0')));
  EXPECT_EQ(document->certificate("A"), 0U) << "names are compared without case";
}

TEST(GatewayDocument, CountsEveryMentionOfAnIdAsAReference) {
  ordered_json gateway = test::gateway_with(
      {test::gateway_certificate("a", ""), test::gateway_certificate("b", ""), test::gateway_certificate("c", "")},
      {test::gateway_listener("l", "", "a")});
  // Of a kind that this program does not know, and in another case.
  gateway["properties"]["listeners"] = {
      {{"properties",
        {{"sslCertificate", {{"id", "/SUBSCRIPTIONS" + test::gateway_id.substr(14) + "/sslCertificates/B"}}}}}}};
  const auto document = GatewayDocument::parse(gateway.dump());
  ASSERT_TRUE(document);
  EXPECT_TRUE(document->certificates()[0].referenced);
  EXPECT_TRUE(document->certificates()[1].referenced);
  EXPECT_FALSE(document->certificates()[2].referenced);
}

TEST(GatewayDocument, TakesOddPartsAsTheyAre) {
  const auto document = GatewayDocument::parse(
      R"({"id":"/a","properties":{"sslCertificates":[null,1,{"name":7,"properties":[]}],"httpListeners":[[]]}})");
  ASSERT_TRUE(document);
  EXPECT_EQ(document->certificates().size(), 3U) << "one for each element, so that places agree";
  EXPECT_EQ(document->listeners().size(), 1U);
}

}  // namespace
}  // namespace azure
