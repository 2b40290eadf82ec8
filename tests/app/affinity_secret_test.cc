#include "app/affinity_secret.h"

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <thread>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace app {
namespace {

namespace fs = std::filesystem;

TEST(AffinitySecret, IsAnotherEachTimeWhereItCannotBeKept) {
  EXPECT_NE(affinity_secret(""), affinity_secret(""));
  EXPECT_NE(affinity_secret("/proc/no/such/folder"), affinity_secret("/proc/no/such/folder"));
}

TEST(AffinitySecret, DoesNotTakeAFileThatIsTooShortNorReplaceIt) {
  const test::ScratchFolder scratch;
  std::ofstream(scratch.path() / "affinity.key") << "guess\n";
  EXPECT_NE(affinity_secret(scratch.path()), affinity_secret(scratch.path()));
  std::ifstream file(scratch.path() / "affinity.key");
  EXPECT_EQ(std::string(std::istreambuf_iterator<char>(file), {}), "guess\n");
}

TEST(AffinitySecret, IsKeptForItsOwnerAlone) {
  const test::ScratchFolder scratch;
  const std::string first = affinity_secret(scratch.path());
  EXPECT_EQ(first.size(), 43U);
  EXPECT_EQ(affinity_secret(scratch.path()), first);
  EXPECT_EQ(fs::status(scratch.path() / "affinity.key").permissions(), fs::perms::owner_read | fs::perms::owner_write);
}

TEST(AffinitySecret, IsTheSameForAllWhoStartAtOnce) {
  const test::ScratchFolder scratch;
  std::vector<std::string> made(8);
  {
    std::vector<std::jthread> threads;
    for (std::string& one : made) threads.emplace_back([&] { one = affinity_secret(scratch.path()); });
  }
  EXPECT_EQ(made, std::vector<std::string>(8, made.front()));
}

}  // namespace
}  // namespace app
