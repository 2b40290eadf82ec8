#include "app/snapshot_publisher.h"

#include <gtest/gtest.h>

#include <future>
#include <stdexcept>
#include <stop_token>
#include <utility>
#include <vector>

namespace app {
namespace {

// Keeps what was published; the publisher's thread fills it, the test reads it after flush().
struct Published {
  std::vector<proxy::SnapshotPtr> all;
  SnapshotPublisher::Publish take() {
    return [this](proxy::SnapshotPtr snapshot) { all.push_back(std::move(snapshot)); };
  }
};

const SnapshotPublisher::Change any_change = [](proxy::Snapshot& next) {
  next.challenges = std::make_shared<certstore::Challenges>();
};

TEST(SnapshotPublisher, PublishesNothingWhileItIsHeld) {
  Published published;
  SnapshotPublisher publisher(published.take(), std::chrono::milliseconds(0));
  const auto config = std::make_shared<const config::Config>();
  {
    const SnapshotPublisher::Hold hold(publisher);
    publisher.change(any_change);
    EXPECT_EQ(publisher.current(), nullptr);
    publisher.change([&](proxy::Snapshot& next) { next.config = config; });
  }
  publisher.flush();
  ASSERT_EQ(published.all.size(), 1U) << "both changes belong to one snapshot";
  EXPECT_EQ(published.all.front()->config, config);
  EXPECT_NE(published.all.front()->challenges, nullptr);
  EXPECT_EQ(publisher.current(), published.all.front());
}

TEST(SnapshotPublisher, PublishesAgainWhatCouldNotBePublished) {
  Published published;
  bool failed = false;
  SnapshotPublisher publisher(
      [&, publish = published.take()](proxy::SnapshotPtr snapshot) {
        if (!std::exchange(failed, true)) throw std::runtime_error("out of order");
        publish(std::move(snapshot));
      },
      std::chrono::milliseconds(0));
  publisher.change(any_change);
  publisher.flush();
  ASSERT_EQ(published.all.size(), 1U);
  EXPECT_NE(published.all.front()->challenges, nullptr);
  EXPECT_EQ(publisher.current(), published.all.front());
}

TEST(SnapshotPublisher, GivesEachSnapshotALaterGeneration) {
  Published published;
  SnapshotPublisher publisher(published.take(), std::chrono::milliseconds(0));
  for (int i = 0; i < 5; ++i) {
    publisher.change(any_change);
    publisher.flush();
  }
  ASSERT_EQ(published.all.size(), 5U);
  for (std::size_t i = 0; i < 5; ++i) EXPECT_EQ(published.all[i]->generation, i + 1);
}

TEST(SnapshotPublisher, WaitsForALaterGenerationAndNoLonger) {
  using std::chrono::hours;
  Published published;
  std::stop_source stop;
  SnapshotPublisher publisher(published.take(), std::chrono::milliseconds(0));
  publisher.wait_after(0, std::chrono::milliseconds(0), stop.get_token());  // nothing is there, and it returns
  publisher.change(any_change);
  publisher.wait_after(0, hours(1), stop.get_token());
  ASSERT_NE(publisher.current(), nullptr);
  std::future<std::uint64_t> later = std::async(std::launch::async, [&] {
    publisher.wait_after(1, hours(1), stop.get_token());
    return publisher.current()->generation;
  });
  publisher.change(any_change);
  EXPECT_EQ(later.get(), 2U);
  stop.request_stop();
  publisher.wait_after(2, hours(1), stop.get_token());
}

TEST(SnapshotPublisher, SendsABurstTogether) {
  std::promise<void> first, go_on;
  std::vector<proxy::SnapshotPtr> all;
  SnapshotPublisher publisher(
      [&](proxy::SnapshotPtr snapshot) {
        all.push_back(std::move(snapshot));
        if (all.size() > 1) return;
        first.set_value();
        go_on.get_future().wait();
      },
      std::chrono::milliseconds(0));
  publisher.change(any_change);
  first.get_future().wait();
  for (int i = 0; i < 1000; ++i) publisher.change(any_change);
  go_on.set_value();
  publisher.flush();
  EXPECT_EQ(all.size(), 2U);
}

}  // namespace
}  // namespace app
