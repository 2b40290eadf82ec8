#include "kube/served_secret.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace kube {
namespace {

using nlohmann::json;

const ObjectName name{"shop", "web"};
const ServedCopy copy{
    .certificate_name = "www.example.com", .chain_pem = "chain", .key_pem = "key", .fingerprint = "ab"};

TEST(ServedSecret, OfSomebodyElseIsNotTaken) {
  EXPECT_FALSE(takes_copies(json()));
  EXPECT_FALSE(takes_copies(json::array()));
  EXPECT_FALSE(takes_copies({{"metadata", {{"annotations", {{served_copy::of, 1}}}}}}));
  EXPECT_FALSE(takes_copies({{"metadata", {{"labels", {{"app.kubernetes.io/managed-by", "sekisho"}}}}}}));
  EXPECT_TRUE(takes_copies({{"metadata", {{"annotations", {{served_copy::of, ""}}}}}}));
}

TEST(ServedSecret, IsNotTakenFromACertificateThatIsIssuedIntoIt) {
  EXPECT_FALSE(takes_copies(
      {{"metadata", {{"annotations", {{served_copy::of, "a"}, {"cert-manager.io/certificate-name", "web"}}}}}}));
}

TEST(ServedSecret, HoldsACopyOnlyWithItsKey) {
  EXPECT_FALSE(holds(json(), copy));
  json secret = secret_with(copy, name);
  EXPECT_TRUE(holds(secret, copy));
  secret["data"]["tls.key"] = base::to_base64(std::string("another"));
  EXPECT_FALSE(holds(secret, copy));
  secret["data"].erase("tls.key");
  EXPECT_FALSE(holds(secret, copy));
}

TEST(ServedSecret, IsATlsSecretThatSaysWhatItHolds) {
  const json secret = secret_with(copy, name);
  EXPECT_EQ(secret["type"], "kubernetes.io/tls");
  EXPECT_EQ(secret["metadata"]["namespace"], "shop");
  EXPECT_EQ(secret["metadata"]["annotations"][served_copy::of], "www.example.com");
  EXPECT_EQ(secret["metadata"]["annotations"][served_copy::fingerprint], "ab");
  EXPECT_TRUE(takes_copies(secret));
}

TEST(ServedSecret, IsChangedOnlyAsItWasSeen) {
  const json before{{"type", "Opaque"},
                    {"metadata", {{"resourceVersion", "7"}, {"uid", "u"}, {"labels", {{"team", "a"}}}}},
                    {"data", {{"password", "dGhlaXJz"}, {"tls.crt", "b2xk"}}}};
  const json patch = patch_with(copy, before);
  EXPECT_EQ(patch["metadata"]["resourceVersion"], "7");
  EXPECT_EQ(patch["metadata"]["uid"], "u");
  json after = before;
  after.merge_patch(patch);
  EXPECT_EQ(after["type"], "Opaque");
  EXPECT_EQ(after["metadata"]["labels"]["team"], "a");
  EXPECT_EQ(after["data"]["password"], "dGhlaXJz");
  EXPECT_TRUE(holds(after, copy));
  EXPECT_TRUE(takes_copies(after));
}

}  // namespace
}  // namespace kube
