#include "certstore/directory_source.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <condition_variable>
#include <map>

#include "certstore/file_source.h"
#include "tests/support/mint.h"
#include "tests/support/scratch_folder.h"

namespace certstore {
namespace {

using namespace std::chrono_literals;
using test::Minted;

constexpr auto deadline = 20s;
constexpr config::FileWatch::Options quick{.settle = 5ms, .longest = 50ms, .poll = 200ms};

// What a source has reported last, to look at and to wait for.
class Reported {
 public:
  [[nodiscard]] Report report() {
    return [this](Change change) {
      const std::lock_guard lock(mutex_);
      if (change.extent == Change::Extent::everything) candidates_.clear();
      ++count_;
      last_ = change.candidates.size() + change.gone.size();
      for (const std::string& id : change.gone) candidates_.erase(id);
      for (Candidate& one : change.candidates) candidates_.insert_or_assign(one.id, std::move(one));
      changed_.notify_all();
    };
  }
  // "id-tail=first name" or "id-tail!error", comma separated.
  [[nodiscard]] std::string text() {
    const std::lock_guard lock(mutex_);
    return joined();
  }
  [[nodiscard]] bool wait_for(const std::string& expected) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, deadline, [&] { return joined() == expected; });
  }
  [[nodiscard]] std::string error(std::size_t at) {
    const std::lock_guard lock(mutex_);
    return std::next(candidates_.begin(), static_cast<std::ptrdiff_t>(at))->second.certificate.error().what;
  }
  [[nodiscard]] CertificatePtr certificate(std::size_t at) {
    const std::lock_guard lock(mutex_);
    return *std::next(candidates_.begin(), static_cast<std::ptrdiff_t>(at))->second.certificate;
  }
  [[nodiscard]] std::size_t count() {
    const std::lock_guard lock(mutex_);
    return count_;
  }
  // How many candidates the last report was about.
  [[nodiscard]] std::size_t last() {
    const std::lock_guard lock(mutex_);
    return last_;
  }

 private:
  [[nodiscard]] std::string joined() const {
    std::string text;
    for (const auto& [id, one] : candidates_) {
      text += (text.empty() ? "" : ",") + one.id.substr(one.id.rfind('/') + 1);
      text += one.certificate ? "=" + (*one.certificate)->facts().dns_names.at(0) : "!";
    }
    return text;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, Candidate> candidates_;
  std::size_t last_ = 0;
  std::size_t count_ = 0;
};

class DirectorySourceTest : public testing::Test {
 protected:
  void start() { source_.start(reported_.report()); }
  [[nodiscard]] std::string after_refresh() {
    source_.refresh();
    return reported_.text();
  }
  test::ScratchFolder folder_;
  Reported reported_;
  DirectorySource source_{{folder_.path()}, false, quick};
};

Minted minted(const std::string& name) {
  return test::self_signed({.names = {name}});
}

TEST_F(DirectorySourceTest, ReportsADirectoryThatIsNotThereAndHealsWhenItComes) {
  Reported reported;
  DirectorySource source({folder_ / "later"}, false, quick);
  source.start(reported.report());
  EXPECT_EQ(reported.text(), "later!");
  const Minted one = minted("a.example.com");
  std::filesystem::create_directory(folder_ / "later");
  folder_.write("later/tls.key", one.key_pem());
  folder_.write("later/tls.crt", one.certificate_pem());
  EXPECT_TRUE(reported.wait_for("tls.crt=a.example.com"));
}

TEST_F(DirectorySourceTest, ReportsAllAsFailedWhenTheDirectoryCannotBeRead) {
  const Minted one = minted("a.example.com");
  folder_.write("a.crt", one.certificate_pem());
  folder_.write("a.key", one.key_pem());
  start();
  const auto aside = folder_.path().string() + ".aside";
  std::filesystem::rename(folder_.path(), aside);
  EXPECT_EQ(after_refresh(), "a.crt!");
  std::filesystem::rename(aside, folder_.path());
  EXPECT_EQ(after_refresh(), "a.crt=a.example.com");
}

TEST_F(DirectorySourceTest, ReportsAMismatchUntilTheSecondFileOfAPairArrives) {
  const Minted old = minted("old.example.com");
  const Minted fresh = minted("fresh.example.com");
  folder_.write("tls.crt", old.certificate_pem());
  folder_.write("tls.key", old.key_pem());
  start();
  ASSERT_EQ(reported_.text(), "tls.crt=old.example.com");
  folder_.write("tls.key", fresh.key_pem());
  ASSERT_TRUE(reported_.wait_for("tls.crt!"));
  EXPECT_NE(reported_.error(0).find("does not match"), std::string::npos);
  folder_.write("tls.crt", fresh.certificate_pem());
  EXPECT_TRUE(reported_.wait_for("tls.crt=fresh.example.com"));
}

TEST_F(DirectorySourceTest, TakesHalfAPairForAFailureAndAWholeOneForGone) {
  const Minted one = minted("a.example.com");
  folder_.write("a.crt", one.certificate_pem());
  start();
  EXPECT_EQ(reported_.text(), "a.crt!");
  EXPECT_NE(reported_.error(0).find("a.key is expected beside it"), std::string::npos);
  folder_.write("a.key", one.key_pem());
  EXPECT_EQ(after_refresh(), "a.crt=a.example.com");
  folder_.remove("a.key");
  EXPECT_EQ(after_refresh(), "a.crt!");
  folder_.write("a.key", one.key_pem());
  folder_.remove("a.crt");
  EXPECT_EQ(after_refresh(), "a.crt!");
  folder_.write("a.crt", one.certificate_pem());
  EXPECT_EQ(after_refresh(), "a.crt=a.example.com");
  folder_.remove("a.crt");
  folder_.remove("a.key");
  EXPECT_EQ(after_refresh(), "");
}

TEST_F(DirectorySourceTest, ReportsWhatIsTooLarge) {
  folder_.write("a.crt", std::string(largest_certificate_file + 1, 'x'));
  folder_.write("a.key", "x");
  start();
  EXPECT_NE(reported_.error(0).find("is larger than"), std::string::npos);
}

TEST_F(DirectorySourceTest, LeavesAuthoritiesAndOtherSecretsAndSubfoldersAlone) {
  const Minted one = minted("a.example.com");
  folder_.write("ca.crt", test::Authority("Root").pem());
  folder_.write("database-password", "correct horse");
  folder_.write("large", std::string(largest_certificate_file + 1, 'x'));
  folder_.write(".hidden.pem", one.key_pem() + one.certificate_pem());
  folder_.write("lone.key", one.key_pem());
  folder_.write("empty.crt", "");
  std::filesystem::create_directory(folder_ / "inner");
  folder_.write("inner/a.pem", one.key_pem() + one.certificate_pem());
  start();
  EXPECT_EQ(reported_.text(), "");
}

TEST_F(DirectorySourceTest, ReadsEveryLayout) {
  const auto write_pair = [&](const std::string& name, const std::string& certificate, const std::string& key) {
    const Minted one = minted(name);
    folder_.write(certificate, one.certificate_pem());
    folder_.write(key, one.key_pem());
  };
  write_pair("tls.example.com", "tls.crt", "tls.key");
  write_pair("cer.example.com", "cer.cer", "cer.key");
  write_pair("pem.example.com", "pem.pem", "pem.key");
  write_pair("alias.example.com", "alias.example.com", "alias.example.com.key");
  const Minted both = minted("both.example.com");
  folder_.write("both.pem", both.key_pem() + both.certificate_pem());
  const Minted secret = minted("secret.example.com");
  folder_.write("app-ssl-certificate", secret.key_pem() + secret.certificate_pem());
  folder_.write("open.pfx", minted("open.example.com").pfx(""));
  folder_.write("shut.p12", minted("shut.example.com").pfx("secret"));
  folder_.write("shut.password", "secret\n");
  start();
  EXPECT_EQ(reported_.text(),
            "alias.example.com=alias.example.com,app-ssl-certificate=secret.example.com,both.pem=both.example.com,cer."
            "cer=cer.example.com,"
            "open.pfx=open.example.com,pem.pem=pem.example.com,shut.p12=shut.example.com,tls.crt=tls.example.com");
}

// The SecretProviderClass of the guides mounts one Key Vault secret, key and certificate in one text, under both names.
TEST_F(DirectorySourceTest, ReadsOneSecretMountedAsCertificateAndAsKey) {
  const Minted one = test::Authority("Root").intermediate("Issuing").issue({.names = {"a.example.com"}});
  for (const char* name : {"tls.crt", "tls.key"}) folder_.write(name, one.key_pem() + one.chain_pem());
  start();
  EXPECT_EQ(reported_.text(), "tls.crt=a.example.com");
}

TEST_F(DirectorySourceTest, FollowsTheSwapOfKubernetesDataLink) {
  const auto fill = [&](const std::string& version, const Minted& one) {
    std::filesystem::create_directory(folder_ / version);
    folder_.write(version + "/tls.crt", one.certificate_pem());
    folder_.write(version + "/tls.key", one.key_pem());
  };
  fill("..2024_01", minted("old.example.com"));
  std::filesystem::create_directory_symlink("..2024_01", folder_ / "..data");
  for (const char* name : {"tls.crt", "tls.key"})
    std::filesystem::create_symlink(std::string("..data/") + name, folder_ / name);
  start();
  ASSERT_EQ(reported_.text(), "tls.crt=old.example.com");
  fill("..2024_02", minted("fresh.example.com"));
  std::filesystem::create_directory_symlink("..2024_02", folder_ / "..data_tmp");
  std::filesystem::rename(folder_ / "..data_tmp", folder_ / "..data");
  EXPECT_TRUE(reported_.wait_for("tls.crt=fresh.example.com"));
}

TEST_F(DirectorySourceTest, ReadsOnlyWhatChanged) {
  for (const char* name : {"a", "b"}) {
    const Minted one = minted(std::string(name) + ".example.com");
    folder_.write(std::string(name) + ".crt", one.certificate_pem());
    folder_.write(std::string(name) + ".key", one.key_pem());
  }
  start();
  const CertificatePtr a = reported_.certificate(0);
  const CertificatePtr b = reported_.certificate(1);
  const Minted fresh = minted("fresh.example.com");
  folder_.write("b.crt", fresh.certificate_pem());
  folder_.write("b.key", fresh.key_pem());
  ASSERT_EQ(after_refresh(), "a.crt=a.example.com,b.crt=fresh.example.com");
  EXPECT_EQ(reported_.certificate(0), a) << "the same object: not read again";
  EXPECT_NE(reported_.certificate(1), b);
}

TEST(FolderListing, KnowsWhichCertificatesAFileConcerns) {
  const auto text = [](std::string_view name) {
    std::string all;
    for (const std::string& one : certificates_of(name)) all += (all.empty() ? "" : " ") + one;
    return all;
  };
  EXPECT_EQ(text("a.crt"), "a.crt");
  EXPECT_EQ(text("alias"), "alias");
  EXPECT_EQ(text("a.key"), "a a.crt a.pem a.cer");
  EXPECT_EQ(text("a.crt.key"), "a.crt a.crt.crt a.crt.pem a.crt.cer");
  EXPECT_EQ(text("a.password"), "a.pfx a.p12");
  EXPECT_EQ(text("a.pfx.password"), "a.pfx a.pfx.pfx a.pfx.p12");
}

// By events alone, and what was reported is only what the events were about.
class DirectoryByEvents : public DirectorySourceTest {
 protected:
  void SetUp() override {
    for (const char* name : {"a", "b", "c"}) write_pair(name, minted(std::string(name) + ".example.com"));
    source_.start(reported_.report());
    ASSERT_EQ(reported_.text(), "a.crt=a.example.com,b.crt=b.example.com,c.crt=c.example.com");
    ASSERT_EQ(reported_.last(), 3U);
  }
  void write_pair(const std::string& name, const Minted& one) const {
    folder_.write(name + ".crt", one.certificate_pem());
    folder_.write(name + ".key", one.key_pem());
  }
  static constexpr config::FileWatch::Options no_poll{.settle = 20ms, .longest = 1s, .poll = 1h};
  Reported reported_;
  DirectorySource source_{{folder_.path()}, false, no_poll};
};

TEST_F(DirectoryByEvents, ReportsAPairThatWasReplacedAndNoOther) {
  const CertificatePtr a = reported_.certificate(0);
  write_pair("b", minted("fresh.example.com"));
  EXPECT_TRUE(reported_.wait_for("a.crt=a.example.com,b.crt=fresh.example.com,c.crt=c.example.com"));
  EXPECT_EQ(reported_.last(), 1U);
  EXPECT_EQ(reported_.certificate(0), a);
}

TEST_F(DirectoryByEvents, ReportsAPairThatComesAndOneThatGoes) {
  folder_.remove("b.crt");
  EXPECT_TRUE(reported_.wait_for("a.crt=a.example.com,b.crt!,c.crt=c.example.com"));
  folder_.remove("b.key");
  EXPECT_TRUE(reported_.wait_for("a.crt=a.example.com,c.crt=c.example.com"));
  EXPECT_EQ(reported_.last(), 1U);
  const Minted one = minted("d.example.com");
  folder_.write("d.key", one.key_pem());
  folder_.write("d.pem", one.certificate_pem());
  EXPECT_TRUE(reported_.wait_for("a.crt=a.example.com,c.crt=c.example.com,d.pem=d.example.com"));
  EXPECT_EQ(reported_.last(), 1U);
}

TEST_F(DirectoryByEvents, ReportsAFailureUntilTheOtherHalfIsRenamedOver) {
  const Minted fresh = minted("fresh.example.com");
  folder_.write(".new.key", fresh.key_pem());
  std::filesystem::rename(folder_ / ".new.key", folder_ / "b.key");
  EXPECT_TRUE(reported_.wait_for("a.crt=a.example.com,b.crt!,c.crt=c.example.com"));
  folder_.write(".new.crt", fresh.certificate_pem());
  std::filesystem::rename(folder_ / ".new.crt", folder_ / "b.crt");
  EXPECT_TRUE(reported_.wait_for("a.crt=a.example.com,b.crt=fresh.example.com,c.crt=c.example.com"));
}

TEST_F(DirectoryByEvents, SaysNothingWhenNothingChanged) {
  write_pair("b", minted("fresh.example.com"));
  EXPECT_TRUE(reported_.wait_for("a.crt=a.example.com,b.crt=fresh.example.com,c.crt=c.example.com"));
  const std::size_t before = reported_.count();
  source_.refresh();
  EXPECT_EQ(reported_.count(), before);
}

TEST_F(DirectoryByEvents, ReportsEverythingWhenTheDirectoryIsBack) {
  const auto aside = folder_.path().string() + ".aside";
  std::filesystem::rename(folder_.path(), aside);
  EXPECT_TRUE(reported_.wait_for("a.crt!,b.crt!,c.crt!"));
  std::filesystem::rename(aside, folder_.path());
  EXPECT_TRUE(reported_.wait_for("a.crt=a.example.com,b.crt=b.example.com,c.crt=c.example.com"));
  EXPECT_EQ(reported_.last(), 3U);
}

TEST(FileSource, ReportsMissingFilesAndHealsWhenTheyCome) {
  const test::ScratchFolder folder;
  Reported reported;
  FileSource source({.certificate = folder / "app.crt", .key = folder / "app.key", .pfx = {}, .password_file = {}},
                    true, quick);
  source.start(reported.report());
  EXPECT_EQ(reported.text(), "app.crt!");
  const Minted one = minted("a.example.com");
  folder.write("app.crt", one.certificate_pem());
  folder.write("app.key", one.key_pem());
  EXPECT_TRUE(reported.wait_for("app.crt=a.example.com"));
  const Minted two = minted("b.example.com");
  folder.write("new.key", two.key_pem());
  std::filesystem::rename(folder / "new.key", folder / "app.key");
  EXPECT_TRUE(reported.wait_for("app.crt!"));
  folder.write("new.crt", two.certificate_pem());
  std::filesystem::rename(folder / "new.crt", folder / "app.crt");
  EXPECT_TRUE(reported.wait_for("app.crt=b.example.com"));
}

TEST(FileSource, ReadsAPfxWithAPasswordFile) {
  const test::ScratchFolder folder;
  Reported reported;
  folder.write("app.pfx", minted("a.example.com").pfx("secret"));
  folder.write("password", "wrong\r\n");
  FileSource source({.certificate = {}, .key = {}, .pfx = folder / "app.pfx", .password_file = folder / "password"},
                    false, quick);
  source.start(reported.report());
  EXPECT_EQ(reported.text(), "app.pfx!");
  folder.write("password", "secret\r\n");
  EXPECT_TRUE(reported.wait_for("app.pfx=a.example.com"));
}

}  // namespace
}  // namespace certstore
