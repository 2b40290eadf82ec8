#include "certstore/ticket_keys.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file.h"
#include "tests/support/scratch_folder.h"

namespace certstore {
namespace {

using namespace std::chrono_literals;
constexpr std::chrono::seconds period = 12h;

class TicketKeysTest : public testing::Test {
 protected:
  [[nodiscard]] TicketKeyRing ring() const { return {folder_ / "ticket_keys", period, clock_}; }
  test::ScratchFolder folder_;
  base::FakeClock clock_{std::chrono::sys_days(std::chrono::year(2026) / 3 / 1)};
};

const TicketKey& sealing(const TicketKeySet& set) {
  return set.keys.at(set.current);
}

TEST_F(TicketKeysTest, ReplacesADamagedFile) {
  for (const char* content : {"", "garbage", "sekisho ticket keys 1\n", "sekisho ticket keys 1\nxx yy zz 1\n"}) {
    folder_.write("ticket_keys", content);
    const auto keys = ring().keys();
    EXPECT_EQ(keys->keys.size(), 2U);
    EXPECT_EQ(ring().keys()->keys, keys->keys) << "written anew";
  }
}

TEST_F(TicketKeysTest, KeepsItsKeysWhenTheFileIsDamagedOrLostWhileItRuns) {
  TicketKeyRing running = ring();
  const auto before = running.keys();
  folder_.write("ticket_keys", "garbage");
  EXPECT_EQ(running.update(), before);
  folder_.remove("ticket_keys");
  EXPECT_EQ(running.update(), before);
  EXPECT_EQ(ring().keys()->keys, before->keys);
}

TEST_F(TicketKeysTest, WorksInMemoryWithoutAFolder) {
  TicketKeyRing lost(folder_ / "absent/ticket_keys", period, clock_);
  const auto before = lost.keys();
  ASSERT_NE(before, nullptr);
  EXPECT_EQ(lost.update(), before);
}

TEST_F(TicketKeysTest, WritesAFileForItsOwnerOnly) {
  (void)ring();
  for (const char* name : {"ticket_keys", "ticket_keys.lock"}) {
    struct stat status{};
    ASSERT_EQ(::stat((folder_ / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
}

TEST_F(TicketKeysTest, SurvivesARestart) {
  const auto before = ring().keys();
  const auto after = ring().keys();
  EXPECT_EQ(before->keys, after->keys);
  EXPECT_EQ(before->current, after->current);
}

TEST_F(TicketKeysTest, SealsWithTheKeyThatWasNextAndStillOpensWithTheOldOne) {
  TicketKeyRing running = ring();
  const auto first = running.keys();
  ASSERT_EQ(first->current, 1U);
  clock_.advance(period - 1s);
  EXPECT_EQ(running.update(), first);
  clock_.advance(1s);
  const auto second = running.update();
  EXPECT_EQ(sealing(*second), first->keys[0]);
  ASSERT_EQ(second->keys.size(), 3U);
  EXPECT_EQ(second->keys[2], first->keys[1]);
  clock_.advance(period);
  const auto third = running.update();
  EXPECT_EQ(third->keys.size(), 3U);
  EXPECT_EQ(sealing(*third), second->keys[0]);
  EXPECT_EQ(third->keys[2], second->keys[1]);
}

TEST_F(TicketKeysTest, CatchesUpAfterSeveralMissedPeriods) {
  for (const int missed : {2, 3, 4, 5, 1000, 100'000}) {
    TicketKeyRing running = ring();
    const auto before = running.keys();
    clock_.advance(period * missed + 7s);
    const auto after = running.update();
    ASSERT_EQ(after->keys.size(), 3U) << missed;
    EXPECT_EQ(after->current, 1U) << missed;
    EXPECT_LE(sealing(*after).from, clock_.now());
    EXPECT_GT(sealing(*after).from + period, clock_.now()) << "the key in force is of this period";
    EXPECT_GT(after->keys[0].from, clock_.now());
    EXPECT_NE(sealing(*after), sealing(*before));
  }
}

TEST_F(TicketKeysTest, KeepsOpeningWhenTheClockGoesBack) {
  TicketKeyRing running = ring();
  clock_.advance(period);
  const auto before = running.update();
  clock_.advance(-1h);
  const auto little = running.update();
  EXPECT_EQ(little->keys, before->keys);
  EXPECT_EQ(sealing(*little), before->keys[2]) << "the one in force at that time";
  clock_.advance(-24h * 365);
  const auto far = running.update();
  ASSERT_EQ(far->keys.size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(far->keys[i].name, before->keys[i].name);
  EXPECT_LE(far->keys[0].from, clock_.now() + period) << "the next rotation must not wait for the wrong year";
}

TEST_F(TicketKeysTest, AgreesWithAnotherProcessOnOneFile) {
  TicketKeyRing one = ring();
  TicketKeyRing two = ring();
  for (int turn = 0; turn < 5; ++turn) {
    clock_.advance(period);
    const auto first = turn % 2 == 0 ? one.update() : two.update();
    const auto second = turn % 2 == 0 ? two.update() : one.update();
    EXPECT_EQ(first->keys, second->keys);
    EXPECT_EQ(first->current, second->current);
  }
}

}  // namespace
}  // namespace certstore
