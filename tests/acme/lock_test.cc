#include "acme/lock.h"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <thread>
#include <vector>

#include "tests/support/scratch_folder.h"

namespace acme {
namespace {

using namespace std::chrono_literals;

TEST(FolderLocks, TimesOutWhereAnotherThreadHasIt) {
  const test::ScratchFolder scratch;
  FolderLocks locks(scratch / "locks");
  const auto held = locks.take("www.example.com", 1s, {});
  ASSERT_TRUE(held) << held.error().what;
  base::Code code = base::Code::internal;
  std::jthread([&] { code = locks.take("www.example.com", 20ms, {}).error().code; }).join();
  EXPECT_EQ(code, base::Code::timeout);
}

TEST(FolderLocks, DoesNotWaitWithoutPatience) {
  const test::ScratchFolder scratch;
  FolderLocks locks(scratch / "locks");
  const auto held = locks.take("a", 0ms, {});
  ASSERT_TRUE(held);
  EXPECT_EQ(locks.take("a", 0ms, {}).error().code, base::Code::timeout);
}

TEST(FolderLocks, EndsAWaitOfHoursWhenItIsStopped) {
  const test::ScratchFolder scratch;
  FolderLocks locks(scratch / "locks");
  const auto held = locks.take("a", 1s, {});
  ASSERT_TRUE(held);
  base::Code code = base::Code::internal;
  std::jthread waiting([&](std::stop_token stop) { code = locks.take("a", 1h, std::move(stop)).error().code; });
  waiting.request_stop();
  waiting.join();
  EXPECT_EQ(code, base::Code::cancelled);
}

TEST(FolderLocks, SaysThatAFolderCannotBeUsed) {
  const test::ScratchFolder scratch;
  scratch.write("locks", "a file where the folder should be");
  FolderLocks locks(scratch / "locks");
  EXPECT_EQ(locks.take("a", 1h, {}).error().code, base::Code::io);
}

TEST(FolderLocks, KnowsThatTheFileIsNoLongerTheOneThatOthersLock) {
  const test::ScratchFolder scratch;
  FolderLocks locks(scratch / "locks");
  const auto held = locks.take("a", 1s, {});
  ASSERT_TRUE(held);
  EXPECT_TRUE((*held)->still_held());
  std::filesystem::remove_all(scratch / "locks");
  EXPECT_FALSE((*held)->still_held());
  const auto other = locks.take("a", 1s, {});
  ASSERT_TRUE(other);
  EXPECT_TRUE((*other)->still_held());
  EXPECT_FALSE((*held)->still_held());
}

TEST(FolderLocks, KeepsNamesApartAlsoOddOnes) {
  const test::ScratchFolder scratch;
  FolderLocks locks(scratch / "locks");
  std::vector<std::unique_ptr<Lock>> held;
  for (const char* name : {"a", "A", "../a", "*.a", "a/b", "::1"}) {
    auto lock = locks.take(name, 0ms, {});
    ASSERT_TRUE(lock) << name;
    held.push_back(*std::move(lock));
  }
  EXPECT_FALSE(std::filesystem::exists(scratch / "a.lock"));
}

TEST(FolderLocks, IsFreeAgainWhenItsProcessDies) {
  const test::ScratchFolder scratch;
  FolderLocks locks(scratch / "locks");
  std::array<int, 2> ready{};
  ASSERT_EQ(::pipe(ready.data()), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    const auto held = locks.take("a", 1s, {});
    const char told = held ? 'y' : 'n';
    if (::write(ready[1], &told, 1) == 1) ::pause();
    ::_exit(0);
  }
  char told = 0;
  ASSERT_EQ(::read(ready[0], &told, 1), 1);
  ASSERT_EQ(told, 'y');
  EXPECT_EQ(locks.take("a", 0ms, {}).error().code, base::Code::timeout);
  ASSERT_EQ(::kill(child, SIGKILL), 0);
  ASSERT_EQ(::waitpid(child, nullptr, 0), child);
  EXPECT_TRUE(locks.take("a", 10s, {}));
  ::close(ready[0]);
  ::close(ready[1]);
}

TEST(FolderLocks, LetsOneThreadInAtATime) {
  const test::ScratchFolder scratch;
  FolderLocks locks(scratch / "locks");
  std::atomic<int> inside{0};
  std::atomic<int> met{0};
  std::atomic<int> done{0};
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int round = 0; round < 10; ++round) {
          const auto lock = locks.take("a", 60s, {});
          if (!lock) continue;
          if (++inside != 1) ++met;
          std::this_thread::yield();
          --inside;
          ++done;
        }
      });
    }
  }
  EXPECT_EQ(met, 0);
  EXPECT_EQ(done, 40);
}

}  // namespace
}  // namespace acme
