#include "app/secret_mirror.h"

#include <gtest/gtest.h>

#include "app/shown_certificate.h"
#include "base/base64.h"
#include "tests/app/observed.h"
#include "tests/kube/api_script.h"

namespace app {
namespace {

using nlohmann::json;
using What = azure::MirrorState::What;

constexpr auto all = "POST /api/v1/namespaces/shop/secrets";
constexpr auto one_read = "GET /api/v1/namespaces/shop/secrets/web";
constexpr auto one_changed = "PATCH /api/v1/namespaces/shop/secrets/web";

class SecretMirrors : public testing::Test {
 protected:
  SecretMirrors() {
    const test::Minted minted = authority.issue({.names = {"www.example.com"}});
    item.certificate_name = "www.example.com";
    item.name = "web";
    item.certificate = certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem()).value();
  }
  azure::MirrorOutcome::Finding keep() { return mirror.reconcile({item}, {}).items.at("web"); }
  static json secret(const std::string& version, const json& annotations) {
    return {{"metadata",
             {{"name", "web"},
              {"namespace", "shop"},
              {"uid", "u"},
              {"resourceVersion", version},
              {"annotations", annotations}}},
            {"data", {{"tls.crt", "b2xk"}, {"tls.key", "b2xk"}}}};
  }

  test::Authority authority{"test"};
  test::ApiScript api;
  SecretMirror mirror{api.client, "shop"};
  azure::MirrorItem item;
  const json ours{{"sekisho.io/copy-of", "www.example.com"}};
};

TEST_F(SecretMirrors, LeaveASecretOfSomebodyElseAlone) {
  api.json(one_read, secret("1", json::object()));
  const auto finding = keep();
  EXPECT_EQ(finding.what, What::refused);
  EXPECT_NE(finding.problem.find("sekisho.io/copy-of=www.example.com"), std::string::npos) << finding.problem;
  for (const auto& request : api.requests()) EXPECT_EQ(request.method, "GET");
}

TEST_F(SecretMirrors, LookAgainWhereSomebodyWasFaster) {
  api.json(one_read, secret("1", ours));
  api.json(one_read, secret("2", json::object()));
  api.status(one_changed, 409, "Conflict");
  EXPECT_EQ(keep().what, What::refused);  // it was taken from us meanwhile
}

TEST_F(SecretMirrors, DoNotTryForEver) {
  api.json(one_read, secret("1", ours));
  api.status(one_changed, 409, "Conflict");
  EXPECT_EQ(keep().what, What::behind);
}

TEST_F(SecretMirrors, SayThatTheyMayNotAndNothingOfTheKey) {
  api.status(one_read, 404, "NotFound");
  api.status(all, 403, "Forbidden", "secrets is forbidden");
  const auto finding = keep();
  EXPECT_EQ(finding.what, What::refused);
  EXPECT_EQ(finding.problem.find("PRIVATE"), std::string::npos) << finding.problem;
}

TEST_F(SecretMirrors, ChangeOnlyWhatTheyHaveSeen) {
  api.json(one_read, secret("7", ours));
  api.json(one_changed, secret("8", ours));
  EXPECT_EQ(keep().what, What::in_step);
  const json patch = json::parse(api.requests().back().body);
  EXPECT_EQ(patch["metadata"]["resourceVersion"], "7");
  EXPECT_EQ(patch["data"]["tls.crt"], base::to_base64(item.certificate->chain_pem()));
}

}  // namespace
}  // namespace app
