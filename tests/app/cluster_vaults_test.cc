#include "app/cluster_vaults.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <stdexcept>

#include "base/clock.h"
#include "certstore/store.h"
#include "tests/support/mint.h"

namespace app {
namespace {

using namespace std::chrono_literals;

// Vaults that hold a certificate for each object, named after it, as soon as a test says so.
class ClusterVaultsTest : public testing::Test {
 protected:
  struct Followed : certstore::Source {
    Followed(ClusterVaultsTest& test, std::string object) : test_(test), object_(std::move(object)) {}
    ~Followed() override {
      const std::lock_guard lock(test_.mutex);
      --test_.running[object_];
    }
    [[nodiscard]] std::string name() const override { return object_; }
    void start(certstore::Report report) override {
      report(certstore::Change::some({{.id = object_, .certificate = test_.content(object_), .file_path = {}}}, {}));
      const std::lock_guard lock(test_.mutex);
      ++test_.running[object_];
      ++test_.started;
    }
    ClusterVaultsTest& test_;
    std::string object_;
  };

  ClusterVaultsTest() {
    vaults.start(store.reporter(vaults.name()));
    vaults.connect({.request = [](const kube::VaultRead& read) -> base::Result<config::KeyVaultCertificate> {
                      if (read.vault == "elsewhere") return base::fail(base::Code::refused, "no token goes elsewhere");
                      return config::KeyVaultCertificate{.vault = read.vault, .name = read.object};
                    },
                    .follow =
                        [this](const config::KeyVaultCertificate& what) {
                          if (throws.exchange(false)) throw std::runtime_error("out of order");
                          return std::make_unique<Followed>(*this, what.name);
                        }});
  }

  base::Result<certstore::CertificatePtr> content(const std::string& object) {
    if (object == "missing") return base::fail(base::Code::not_found, "not found: missing");
    const test::Minted minted = test::self_signed({.names = {object + ".example"}});
    return certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem());
  }
  static kube::ServedVault served(const std::string& object, std::vector<std::string> hosts) {
    return {.claim = {.secret = {},
                      .object = {"v1", "SecretProviderClass", {"shop", "tls"}, ""},
                      .seniority = {},
                      .read = {.vault = "my-vault", .object = object}},
            .hosts = std::move(hosts)};
  }
  // A Secret of the namespace shop; returns when what follows from it is told.
  void want(const std::string& secret, std::optional<kube::ServedVault> vault) {
    kube::VaultChanges changes;
    changes.emplace(kube::ObjectName{"shop", secret}, std::move(vault));
    take(changes);
  }
  void take(const kube::VaultChanges& changes) {
    vaults.take(changes);
    vaults.wait_until_known(10s);
  }
  bool serves(const std::string& host) { return store.index()->find(host) != nullptr; }
  std::string problem_of(const std::string& secret) {
    for (const auto& status : store.status()) {
      if (status.id == "shop/" + secret) return status.problem;
    }
    return "no such candidate";
  }
  int following(const std::string& object) {
    const std::lock_guard lock(mutex);
    return running[object];
  }

 public:
  std::mutex mutex;  // guards the next two
  std::map<std::string, int> running;
  int started = 0;
  std::atomic<bool> throws{false};  // who follows, once

 protected:
  certstore::Store store{base::system_clock(), [](const std::shared_ptr<const certstore::CertIndex>&) {}};
  ClusterVaults vaults;
};

TEST_F(ClusterVaultsTest, SaysWhichObjectIsWrongAndWhy) {
  kube::ServedVault broken = served("", {"site.example"});
  broken.claim.problem = "spec.provider: found `x`, expected `azure`";
  want("broken", broken);
  EXPECT_EQ(problem_of("broken"), "SecretProviderClass shop/tls: spec.provider: found `x`, expected `azure`");
  kube::ServedVault elsewhere = served("site", {"site.example"});
  elsewhere.claim.read.vault = "elsewhere";
  want("elsewhere", elsewhere);
  EXPECT_EQ(problem_of("elsewhere"), "SecretProviderClass shop/tls: no token goes elsewhere");
  want("missing", served("missing", {"site.example"}));
  EXPECT_EQ(problem_of("missing"), "SecretProviderClass shop/tls: not found: missing");
  EXPECT_FALSE(serves("site.example"));
}

TEST_F(ClusterVaultsTest, FollowsAfterAllWhereAnExceptionCameBetween) {
  throws = true;
  want("web", served("site", {"site.example"}));
  EXPECT_FALSE(throws);
  EXPECT_TRUE(serves("site.example"));
  EXPECT_EQ(problem_of("web"), "");
}

TEST_F(ClusterVaultsTest, KeepsTheLastGoodCertificateOfAnObjectThatBreaks) {
  want("web", served("site", {"site.example"}));
  EXPECT_TRUE(serves("site.example"));
  kube::ServedVault broken = served("", {"site.example"});
  broken.claim.problem = "it is not there any more";
  want("web", broken);
  EXPECT_TRUE(serves("site.example"));
  EXPECT_EQ(problem_of("web"), "SecretProviderClass shop/tls: it is not there any more");
  EXPECT_EQ(following("site"), 0);
}

TEST_F(ClusterVaultsTest, ShowsACertificateForTheHostsOfItsIngressesAlone) {
  want("web", served("site", {"other.example"}));
  EXPECT_FALSE(serves("site.example"));
  want("web", served("site", {"site.example"}));
  EXPECT_TRUE(serves("site.example"));
  EXPECT_EQ(started, 1);
}

TEST_F(ClusterVaultsTest, ReadsAnObjectOnceForAllSecrets) {
  want("one", served("site", {"site.example"}));
  want("two", served("site", {"site.example"}));
  EXPECT_EQ(started, 1);
  want("one", std::nullopt);
  EXPECT_EQ(following("site"), 1);
  EXPECT_EQ(problem_of("two"), "");
  want("two", served("other", {"other.example"}));
  EXPECT_TRUE(serves("other.example"));
  EXPECT_EQ(following("site"), 0);
}

TEST_F(ClusterVaultsTest, FollowsSoMuchOfANamespaceAndNoMore) {
  kube::VaultChanges changes;
  for (std::size_t i = 0; i < ClusterVaults::most_of_namespace; ++i) {
    changes.emplace(kube::ObjectName{"shop", fmt::format("b-{:03}", i)}, served("site", {"site.example"}));
  }
  take(changes);
  // Whoever comes later does not take the place of those who are there, whatever its name.
  want("a", served("late", {"late.example"}));
  EXPECT_TRUE(problem_of("a").contains("more than 64 Secrets of the namespace shop"));
  EXPECT_FALSE(serves("late.example"));
  want("b-000", std::nullopt);
  EXPECT_TRUE(serves("late.example"));
}

}  // namespace
}  // namespace app
