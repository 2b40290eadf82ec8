#include "app/certificate_sources.h"

#include <gtest/gtest.h>

#include <map>

#include "base/clock.h"
#include "tests/support/mint.h"

namespace app {
namespace {

config::CertificateSource files(const std::string& certificate, bool is_default = false) {
  return {.from = config::FilesCertificate{.certificate = certificate, .key = {}, .pfx = {}, .password_file = {}},
          .is_default = is_default};
}

// Sources that hold one certificate each, named after the file that the configuration names.
class CertificateSourcesTest : public testing::Test {
 protected:
  struct Held : certstore::Source {
    Held(CertificateSourcesTest& test, std::string file) : test_(test), file_(std::move(file)) {}
    ~Held() override { ++test_.ended[file_]; }
    [[nodiscard]] std::string name() const override { return "files " + file_; }
    void start(certstore::Report report) override {
      ++test_.started[file_];
      std::vector<certstore::Candidate> candidates;
      candidates.push_back(
          {.id = file_, .certificate = test_.certificate(file_), .file_path = file_, .is_default = false});
      report(std::move(candidates));
    }
    CertificateSourcesTest& test_;
    std::string file_;
  };

  base::Result<certstore::CertificatePtr> certificate(const std::string& name) {
    if (broken) return base::fail(base::Code::invalid, "broken");
    const test::Minted minted = authority_.issue({.names = {name}});
    return certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem());
  }
  bool serves(const std::string& name) { return store_.index()->find(name) != nullptr; }

  test::Authority authority_{"authority"};
  certstore::Store store_{base::system_clock(), [](const std::shared_ptr<const certstore::CertIndex>&) {}};

 public:
  std::map<std::string, int> started, ended;
  bool broken = false;

 protected:
  CertificateSources sources_{store_, [this](const config::CertificateSource& config) {
                                return std::make_unique<Held>(
                                    *this, std::get<config::FilesCertificate>(config.from).certificate);
                              }};
};

TEST_F(CertificateSourcesTest, ForgetsTheCertificatesOfARemovedSource) {
  sources_.apply({files("a.test"), files("b.test")});
  EXPECT_TRUE(serves("a.test") && serves("b.test"));
  sources_.apply({files("b.test")});
  EXPECT_FALSE(serves("a.test"));
  EXPECT_TRUE(serves("b.test"));
  EXPECT_EQ(ended["a.test"], 1);
}

TEST_F(CertificateSourcesTest, LeavesAnUnchangedSourceAlone) {
  sources_.apply({files("a.test")});
  sources_.apply({files("b.test"), files("a.test")});
  EXPECT_EQ(started["a.test"], 1);
  EXPECT_EQ(ended["a.test"], 0);
  EXPECT_EQ(started["b.test"], 1);
}

TEST_F(CertificateSourcesTest, KeepsTheLastGoodCertificateWhenOnlyTheOptionsChange) {
  sources_.apply({files("a.test")});
  broken = true;
  sources_.apply({files("a.test", true)});
  EXPECT_EQ(started["a.test"], 2);
  EXPECT_TRUE(serves("a.test"));
}

TEST_F(CertificateSourcesTest, StartsASourceThatIsSaidTwiceOnce) {
  sources_.apply({files("a.test"), files("a.test")});
  EXPECT_EQ(started["a.test"], 1);
}

}  // namespace
}  // namespace app
