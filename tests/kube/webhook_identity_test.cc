#include "kube/webhook_identity.h"

#include <gtest/gtest.h>

#include "base/base64.h"

namespace kube {
namespace {

using nlohmann::json;

constexpr std::chrono::hours lifetime{24 * 90};
const base::SystemTime start = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);

// The Secret, as replicas read and write it, and what the API server has been told.
struct Kept {
  json secret;
  std::string believed;

  // What a replica does at a look: the step, the Secret, the bundle. Returns what it shows then.
  certstore::CertificatePtr look(base::SystemTime now, std::vector<std::string> names = {"hook.edge.svc"}) {
    WebhookIdentity identity = WebhookIdentity::read(secret);
    const auto stepped =
        identity.advance({.names = std::move(names), .believed = believed, .lifetime = lifetime, .now = now});
    EXPECT_TRUE(stepped.has_value());
    if (*stepped) secret = identity.secret({"edge", "hook"});
    believed = identity.bundle();
    return identity.shown();
  }
};

bool is_believed(const Kept& kept, const certstore::CertificatePtr& shown) {
  return kept.believed.find(shown->chain_pem()) != std::string::npos;
}

TEST(WebhookIdentity, MakesAnotherWhereTheSecretIsUnreadable) {
  Kept kept{.secret = {{"metadata", {{"resourceVersion", "7"}}}, {"data", {{"tls.crt", "%%"}, {"tls.key", 5}}}},
            .believed = {}};
  const auto shown = kept.look(start);
  ASSERT_NE(shown, nullptr);
  EXPECT_TRUE(is_believed(kept, shown));
  EXPECT_EQ(kept.secret["metadata"]["resourceVersion"], "7");
}

TEST(WebhookIdentity, MakesAnotherForOtherNames) {
  Kept kept;
  const auto first = kept.look(start);
  const auto second = kept.look(start, {"hook.edge.svc", "127.0.0.1"});
  EXPECT_NE(first->fingerprint(), second->fingerprint());
  EXPECT_EQ(second->facts().ip_addresses, std::vector<std::string>{"127.0.0.1"});
}

// Restored into another cluster it would be believed by nobody.
TEST(WebhookIdentity, IsLeftOutOfBackups) {
  Kept kept;
  (void)kept.look(start);
  EXPECT_EQ(kept.secret["metadata"]["labels"]["velero.io/exclude-from-backup"], "true");
}

TEST(WebhookIdentity, IsTheSameForAllReplicas) {
  Kept kept;
  const auto first = kept.look(start);
  EXPECT_EQ(kept.look(start + std::chrono::hours(24))->fingerprint(), first->fingerprint());
}

TEST(WebhookIdentity, NeverShowsWhatIsNotYetBelieved) {
  Kept kept;
  const auto first = kept.look(start);
  const base::SystemTime due = start + std::chrono::hours(24 * 61);
  EXPECT_EQ(kept.look(due)->fingerprint(), first->fingerprint()) << "the next is only announced";
  Kept deaf = kept;
  deaf.believed = first->chain_pem();
  EXPECT_EQ(deaf.look(due + std::chrono::hours(24 * 10))->fingerprint(), first->fingerprint());
  EXPECT_EQ(kept.look(due + std::chrono::hours(24 * 8))->fingerprint(), first->fingerprint()) << "not everywhere yet";
}

TEST(WebhookIdentity, IsRenewedWithEveryReplicaBelievedAllTheTime) {
  Kept kept;
  certstore::CertificatePtr one = kept.look(start);
  certstore::CertificatePtr other = one;
  std::size_t changes = 0;
  // Two replicas look in turn; what the other still shows has to be believed too.
  for (int day = 0; day < 400; ++day) {
    const base::SystemTime now = start + std::chrono::hours(24 * day);
    auto shown = kept.look(now);
    changes += shown->fingerprint() != one->fingerprint() ? 1 : 0;
    one = std::move(shown);
    EXPECT_TRUE(is_believed(kept, one)) << day;
    EXPECT_TRUE(is_believed(kept, other)) << day;
    EXPECT_GT(one->facts().not_after, now);
    other = kept.look(now);
  }
  EXPECT_GE(changes, 4U);
}

TEST(WebhookIdentity, TakesNamesAndBundlesOfAllWebhooks) {
  json configuration{{"webhooks",
                      {{{"clientConfig", {{"service", {{"name", "hook"}, {"namespace", "edge"}}}}}},
                       {{"clientConfig", {{"url", "https://[::1]:9443/validate"}}}},
                       {{"clientConfig", {{"url", "https://127.0.0.1:9443/validate"}}}}}}};
  EXPECT_EQ(webhook_names(configuration), (std::vector<std::string>{"127.0.0.1", "::1", "hook.edge.svc"}));
  EXPECT_EQ(believed_bundle(configuration), "");
  set_bundle(configuration, "pem");
  EXPECT_EQ(believed_bundle(configuration), "pem");
  configuration["webhooks"][1]["clientConfig"].erase("caBundle");
  EXPECT_EQ(believed_bundle(configuration), "");
  EXPECT_TRUE(webhook_names(json(nullptr)).empty());
}

}  // namespace
}  // namespace kube
