#include "kube/leader.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <vector>

#include "base/keep_running.h"
#include "tests/support/scratch_folder.h"

namespace kube {
namespace {

TEST(Leader, LetsGoAndTriesAgainWhereWhatItTellsCannotBeTaken) {
  const test::ScratchFolder folder;
  acme::FolderLocks locks{folder.path()};
  const auto before = base::escaped_exceptions();
  std::vector<bool> told;
  std::promise<void> leads;
  {
    Leader leader(locks, "leader", [&](bool now) {
      told.push_back(now);
      if (told.size() == 1) throw std::runtime_error("out of order");
      if (told.size() == 3) leads.set_value();
    });
    ASSERT_EQ(leads.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
  }
  EXPECT_EQ(told, (std::vector<bool>{true, false, true, false}));
  EXPECT_EQ(base::escaped_exceptions(), before + 1);
}

}  // namespace
}  // namespace kube
