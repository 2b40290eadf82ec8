#include "acme/challenge_table.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <condition_variable>
#include <mutex>

#include <nlohmann/json.hpp>

#include "acme/live_processes.h"
#include "acme/stored_time.h"
#include "certstore/acme_certificate.h"
#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

// What the workers of one process answer from.
class Workers {
 public:
  [[nodiscard]] FolderChallengeTable::Publish publish() {
    return [this](std::shared_ptr<const certstore::Challenges> table) {
      const std::lock_guard lock(mutex_);
      table_ = std::move(table);
      changed_.notify_all();
    };
  }
  [[nodiscard]] std::shared_ptr<const certstore::Challenges> table() const {
    const std::lock_guard lock(mutex_);
    return table_;
  }
  [[nodiscard]] bool becomes_empty() {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, 30s, [this] { return table_->empty(); });
  }

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<const certstore::Challenges> table_;
};

std::string entry(const std::string& token, base::SystemTime made) {
  return nlohmann::json{{"type", "http-01"}, {"name", token}, {"key_authorization", "x"}, {"made", stored(made)}}
      .dump();
}

TEST(FolderChallengeTable, SaysThatTheFolderCannotBeWritten) {
  const test::ScratchFolder scratch;
  scratch.write("challenges", "a file where the folder should be");
  Workers workers;
  FolderChallengeTable table(scratch / "challenges", workers.publish());
  ASSERT_NE(workers.table(), nullptr);
  EXPECT_EQ(table.put_http01("token", "token.thumbprint", {}).error().code, base::Code::io);
  EXPECT_TRUE(workers.table()->empty());
  table.remove_http01("token");
}

TEST(FolderChallengeTable, RefusesTokensThatAreNone) {
  const test::ScratchFolder scratch;
  Workers workers;
  FolderChallengeTable table(scratch / "challenges", workers.publish());
  EXPECT_EQ(table.put_http01("", "x", {}).error().code, base::Code::invalid);
  EXPECT_EQ(table.put_http01(std::string(5000, 'a'), "x", {}).error().code, base::Code::invalid);
  EXPECT_EQ(table.put_tls_alpn01("a.test", nullptr, {}).error().code, base::Code::invalid);
  EXPECT_TRUE(workers.table()->empty());
}

TEST(FolderChallengeTable, SweepsWhatAKilledProcessLeftAndWhatIsDamaged) {
  const test::ScratchFolder scratch;
  std::filesystem::create_directories(scratch / "challenges/entries");
  const base::SystemTime now = base::system_clock().now();
  scratch.write("challenges/entries/http01.old", entry("old", now - 25h));
  scratch.write("challenges/entries/http01.future", entry("future", now + 48h));
  scratch.write("challenges/entries/http01.damaged", "{");
  scratch.write("challenges/entries/http01.young", entry("young", now - 23h));
  Workers workers;
  const FolderChallengeTable table(scratch / "challenges", workers.publish());
  EXPECT_EQ(workers.table()->http01.size(), 1U);
  EXPECT_TRUE(workers.table()->http01.contains("young"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "challenges/entries/http01.old"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "challenges/entries/http01.damaged"));
}

TEST(FolderChallengeTable, HoldsOnlySoMany) {
  const test::ScratchFolder scratch;
  std::filesystem::create_directories(scratch / "challenges/entries");
  for (int i = 0; i < 10'001; ++i) {
    const std::string token = "t" + std::to_string(i);
    scratch.write("challenges/entries/http01." + token, entry(token, base::system_clock().now()));
  }
  Workers workers;
  FolderChallengeTable table(scratch / "challenges", workers.publish());
  EXPECT_EQ(workers.table()->http01.size(), 10'000U);
  EXPECT_EQ(table.put_http01("one-more", "x", {}).error().code, base::Code::overloaded);
}

TEST(FolderChallengeTable, DoesNotWaitForAProcessThatIsDead) {
  const test::ScratchFolder scratch;
  Workers workers;
  FolderChallengeTable table(scratch / "challenges", workers.publish());
  scratch.write("challenges/processes/99999-00000000000000aa", "00000000000000000000");
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(table.put_http01("token", "token.thumbprint", {}));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1900ms);
  EXPECT_FALSE(std::filesystem::exists(scratch / "challenges/processes/99999-00000000000000aa"));
}

TEST(FolderChallengeTable, WaitsTwoSecondsForAProcessThatHangsAndNotLonger) {
  const test::ScratchFolder scratch;
  Workers workers;
  FolderChallengeTable table(scratch / "challenges", workers.publish());
  LiveProcesses hanging(scratch / "challenges/processes");
  ASSERT_TRUE(hanging.join());
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_TRUE(table.put_http01("token", "token.thumbprint", {}));
  const auto waited = std::chrono::steady_clock::now() - begin;
  EXPECT_GE(waited, 2s);
  EXPECT_LT(waited, 20s);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(table.put_http01("other", "other.thumbprint", stop.get_token()).error().code, base::Code::cancelled);
}

TEST(FolderChallengeTable, ReturnsWhenEveryTableOfTheFolderAnswers) {
  const test::ScratchFolder scratch;
  Workers here, there, elsewhere;
  FolderChallengeTable one(scratch / "challenges", here.publish());
  FolderChallengeTable two(scratch / "challenges", there.publish());
  const FolderChallengeTable three(scratch / "challenges", elsewhere.publish());
  const auto begin = std::chrono::steady_clock::now();
  ASSERT_TRUE(one.put_http01("Token_-1", "Token_-1.thumbprint", {}));
  EXPECT_LT(std::chrono::steady_clock::now() - begin, 1900ms);
  for (const Workers* workers : {&here, &there, &elsewhere}) {
    ASSERT_TRUE(workers->table()->http01.contains("Token_-1"));
    EXPECT_EQ(workers->table()->http01.at("Token_-1"), "Token_-1.thumbprint");
  }
  two.remove_http01("Token_-1");
  EXPECT_TRUE(there.table()->empty());
  EXPECT_TRUE(here.becomes_empty());
  EXPECT_TRUE(elsewhere.becomes_empty());
}

// A thousand tokens must not cost a million looks at files.
TEST(FolderChallengeTable, LooksAtTheFilesOfOthersOnlyWhereOthersHaveChangedThem) {
  const test::ScratchFolder scratch;
  Workers workers;
  FolderChallengeTable table(scratch / "challenges", workers.publish());
  ASSERT_TRUE(table.put_http01("a", "a.x", {}));
  scratch.write("challenges/entries/http01.silent", entry("silent", base::system_clock().now()));
  ASSERT_TRUE(table.put_http01("b", "b.x", {}));
  EXPECT_EQ(workers.table()->http01.size(), 2U) << "nobody said that there is another";
  table.remove_http01("a");
  EXPECT_EQ(workers.table()->http01.size(), 1U);
  Workers others;
  FolderChallengeTable other(scratch / "challenges", others.publish());
  ASSERT_TRUE(other.put_http01("c", "c.x", {}));
  ASSERT_TRUE(table.put_http01("d", "d.x", {}));
  EXPECT_EQ(workers.table()->http01.size(), 4U) << "b, silent, c, d";
}

TEST(FolderChallengeTable, CarriesCertificatesAndReplacesThem) {
  const test::ScratchFolder scratch;
  Workers here, there;
  FolderChallengeTable one(scratch / "challenges", here.publish());
  const FolderChallengeTable two(scratch / "challenges", there.publish());
  for (const char* authorization : {"a.b", "c.d"}) {
    const auto certificate = certstore::make_acme_certificate("a.test", authorization, base::system_clock().now());
    ASSERT_TRUE(certificate) << certificate.error().what;
    ASSERT_TRUE(one.put_tls_alpn01("a.test", *certificate, {}));
    for (const Workers* workers : {&here, &there}) {
      ASSERT_TRUE(workers->table()->tls_alpn01.contains("a.test"));
      EXPECT_EQ(workers->table()->tls_alpn01.at("a.test")->fingerprint(), (*certificate)->fingerprint());
    }
  }
  one.remove_tls_alpn01("a.test");
  EXPECT_TRUE(here.table()->empty());
}

TEST(FolderChallengeTable, KeepsKeysFromOthers) {
  const test::ScratchFolder scratch;
  Workers workers;
  FolderChallengeTable table(scratch / "challenges", workers.publish());
  ASSERT_TRUE(table.put_http01("token", "token.thumbprint", {}));
  struct stat status{};
  ASSERT_EQ(::stat((scratch / "challenges/entries/http01.token").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  ASSERT_EQ(::stat((scratch / "challenges").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0700U);
}

TEST(FolderChallengeTable, IsThereAgainAfterARestart) {
  const test::ScratchFolder scratch;
  Workers before, after;
  {
    FolderChallengeTable table(scratch / "challenges", before.publish());
    ASSERT_TRUE(table.put_http01("token", "token.thumbprint", {}));
  }
  const FolderChallengeTable table(scratch / "challenges", after.publish());
  EXPECT_EQ(after.table()->http01.at("token"), "token.thumbprint");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch / "challenges/processes"), {}), 1);
}

}  // namespace
}  // namespace acme
