#include "app/state_directory.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "tests/support/scratch_folder.h"

namespace app {
namespace {

namespace fs = std::filesystem;

TEST(StateDirectory, LooseRightsAreToldWithWhatMendsThem) {
  const test::ScratchFolder scratch;
  fs::permissions(scratch.path(), fs::perms(0770));
  EXPECT_TRUE(make_state_directory(scratch.path()));
  EXPECT_NE(loose_rights(scratch.path()).find("open to its group (mode 0770)"), std::string::npos)
      << loose_rights(scratch.path());
  fs::permissions(scratch.path(), fs::perms(0777));
  EXPECT_NE(loose_rights(scratch.path()).find("can replace keys: chmod 700"), std::string::npos)
      << loose_rights(scratch.path());
  EXPECT_EQ(state_directory_finding(scratch.path()).verdict, acme::Finding::Verdict::bad);
}

TEST(StateDirectory, OwnedByAnotherUserIsLoose) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give a folder away";
  const test::ScratchFolder scratch;
  ASSERT_EQ(::chown(scratch.path().c_str(), 12345, 12345), 0);
  EXPECT_NE(loose_rights(scratch.path()).find("belongs to user 12345"), std::string::npos);
}

TEST(StateDirectory, IsMadeForItsOwnerAlone) {
  const test::ScratchFolder scratch;
  const fs::path folder = scratch.path() / "a/b";
  ASSERT_TRUE(make_state_directory(folder));
  EXPECT_EQ(fs::status(folder).permissions(), fs::perms::owner_all);
  EXPECT_EQ(loose_rights(folder), "");
  EXPECT_EQ(state_directory_finding(folder).verdict, acme::Finding::Verdict::good);
}

}  // namespace
}  // namespace app
