#include "azure/mirror_loop.h"

#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>

#include <gtest/gtest.h>

#include "base/clock.h"
#include "tests/support/mint.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using What = MirrorState::What;

// A place in memory that finds what the test says.
class PlaceOfTests final : public Mirror {
 public:
  const std::string& where() const override { return where_; }
  MirrorOutcome reconcile(const std::vector<MirrorItem>& wanted, const std::stop_token& stop) override {
    std::unique_lock lock(mutex_);
    ++attempts_;
    MirrorOutcome outcome;
    for (const MirrorItem& item : wanted) outcome.items[item.name] = finding_;
    seen_ = wanted;
    changed_.notify_all();
    // A long operation, which nothing but `stop` ends.
    if (std::exchange(hangs_, false)) changed_.wait(lock, stop, [] { return false; });
    return outcome;
  }
  void hang_once() {
    const std::lock_guard lock(mutex_);
    hangs_ = true;
  }
  [[nodiscard]] std::vector<MirrorItem> seen() {
    const std::lock_guard lock(mutex_);
    return seen_;
  }
  void find(MirrorOutcome::Finding finding) {
    const std::lock_guard lock(mutex_);
    finding_ = std::move(finding);
  }
  [[nodiscard]] bool wait_for_attempts(unsigned count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(20), [&] { return attempts_ >= count; });
  }
  [[nodiscard]] unsigned attempts() {
    const std::lock_guard lock(mutex_);
    return attempts_;
  }

 private:
  const std::string where_ = "a place";
  std::mutex mutex_;
  std::condition_variable_any changed_;
  unsigned attempts_ = 0;
  MirrorOutcome::Finding finding_{What::in_step};
  std::vector<MirrorItem> seen_;
  bool hangs_ = false;
};

class MirrorLoops : public testing::Test {
 protected:
  static MirrorItem item() {
    const auto minted = test::self_signed({.names = {"www.example.com"}});
    return {"www.example.com", "www", MirrorItem::Named::by_us,
            *certstore::Certificate::from_pem(minted.chain_pem(), minted.key_pem())};
  }
  // The thread writes a state a moment after its attempt; the next attempt comes soon.
  bool becomes(What what) {
    for (unsigned tries = 0; tries < 100; ++tries) {
      const auto states = loop_.states();
      if (states.size() == 1 && states.front().what == what) return true;
      if (!place_->wait_for_attempts(place_->attempts() + 1)) return false;
    }
    return false;
  }

  base::FakeClock clock_{base::SystemTime(std::chrono::hours(24))};
  std::unique_ptr<PlaceOfTests> made_ = std::make_unique<PlaceOfTests>();
  PlaceOfTests* const place_ = made_.get();  // of loop_
  MirrorLoop loop_{std::move(made_),
                   {.clock = clock_,
                    .gather = milliseconds(1),
                    .look_again = milliseconds(20),
                    .first_pause = milliseconds(5),
                    .longest_pause = milliseconds(20)}};
};

TEST_F(MirrorLoops, DoNothingWhereSomebodyElseLeads) {
  loop_.want({item()});
  EXPECT_TRUE(loop_.states().empty()) << "nothing is known of it here";
  EXPECT_EQ(place_->attempts(), 0U);
  loop_.lead(true);
  EXPECT_TRUE(place_->wait_for_attempts(1));
}

TEST_F(MirrorLoops, TryAgainUntilItIsThere) {
  place_->find({What::behind, "not yet"});
  loop_.lead(true);
  loop_.want({item()});
  ASSERT_TRUE(place_->wait_for_attempts(3));
  EXPECT_EQ(loop_.states().front().problem, "not yet");
  place_->find({What::in_step});
  EXPECT_TRUE(becomes(What::in_step));
  EXPECT_EQ(loop_.states().front().problem, "");
}

TEST_F(MirrorLoops, EndAnAttemptWhereSomethingElseIsWanted) {
  place_->hang_once();
  loop_.lead(true);
  loop_.want({item()});
  ASSERT_TRUE(place_->wait_for_attempts(1));
  const MirrorItem renewed = item();
  loop_.want({renewed});
  ASSERT_TRUE(place_->wait_for_attempts(2));
  EXPECT_EQ(place_->seen(), std::vector{renewed});
}

TEST_F(MirrorLoops, EndAnAttemptWhereSomebodyElseLeads) {
  place_->hang_once();
  loop_.lead(true);
  loop_.want({item()});
  ASSERT_TRUE(place_->wait_for_attempts(1));
  loop_.lead(false);
  loop_.lead(true);
  ASSERT_TRUE(place_->wait_for_attempts(2)) << "else the first goes on";
  EXPECT_TRUE(becomes(What::in_step));
}

TEST_F(MirrorLoops, BelieveNothingOfAnAttemptThatWasEnded) {
  place_->hang_once();
  place_->find({What::in_step});
  const MirrorItem one = item();
  loop_.lead(true);
  loop_.want({one});
  ASSERT_TRUE(place_->wait_for_attempts(1));
  place_->find({What::behind, "another wrote"});
  loop_.lead(false);
  loop_.lead(true);
  ASSERT_TRUE(place_->wait_for_attempts(3));
  EXPECT_EQ(loop_.states().front().problem, "another wrote");
  EXPECT_EQ(loop_.states().front().since, clock_.now());
}

TEST_F(MirrorLoops, LookAgainWhereAllIsWell) {
  loop_.lead(true);
  loop_.want({item()});
  ASSERT_TRUE(place_->wait_for_attempts(3));
}

TEST_F(MirrorLoops, TellOfWhatCannotBeMirrored) {
  MirrorItem typo{.certificate_name = "typo.example.com", .name = "www", .refusal = "there is none"};
  MirrorItem other = typo;
  other.certificate_name = "other.example.com";
  loop_.lead(true);
  loop_.want({typo, other});
  auto states = loop_.states();
  ASSERT_EQ(states.size(), 2U) << "also where they would have one name";
  for (const MirrorState& state : states) {
    EXPECT_EQ(state.what, What::refused);
    EXPECT_EQ(state.problem, "there is none");
    EXPECT_EQ(state.fingerprint, "");
  }
  // What can be mirrored is, beside them; and they are, once they can be.
  MirrorItem good = item();
  good.name = "good";
  loop_.want({typo, good});
  ASSERT_TRUE(place_->wait_for_attempts(2));
  states = loop_.states();
  ASSERT_EQ(states.size(), 2U);
  EXPECT_EQ(states[0].what, What::in_step);
  EXPECT_EQ(states[1].what, What::refused);
  typo.certificate = good.certificate;
  typo.refusal.clear();
  const unsigned before = place_->attempts();
  loop_.want({typo});
  EXPECT_EQ(loop_.states().front().what, What::behind);
  ASSERT_TRUE(place_->wait_for_attempts(before + 1));
  EXPECT_TRUE(becomes(What::in_step));
}

TEST_F(MirrorLoops, SaySinceWhenItIsNotTheSame) {
  loop_.lead(true);
  loop_.want({item()});
  ASSERT_TRUE(becomes(What::in_step));
  clock_.advance(std::chrono::hours(1));
  place_->find({What::behind, "away"});
  const base::SystemTime changed = clock_.now();
  loop_.want({item()});  // another certificate of the same name
  EXPECT_EQ(loop_.states().front().what, What::behind);
  EXPECT_EQ(loop_.states().front().since, changed);
  clock_.advance(std::chrono::hours(1));
  loop_.want({item()});
  EXPECT_EQ(loop_.states().front().since, changed) << "it has not been the same in between";
}

}  // namespace
}  // namespace azure
