#include "app/event_queue.h"

#include <gtest/gtest.h>

namespace app {
namespace {

using Clock = std::chrono::steady_clock;

TEST(EventQueue, GivesUpAtTheGivenTime) {
  EventQueue events;
  EXPECT_EQ(events.take_until(Clock::now()), std::nullopt);
}

TEST(EventQueue, HoldsEachEventOnceInOrder) {
  EventQueue events;
  events.put(Event::reload);
  events.put(Event::file_changed);
  events.put(Event::reload);
  events.put(Event::stop);
  const auto later = Clock::now() + std::chrono::seconds(10);
  EXPECT_EQ(events.take_until(later), Event::reload);
  EXPECT_EQ(events.take_until(later), Event::file_changed);
  EXPECT_EQ(events.take_until(later), Event::stop);
  EXPECT_EQ(events.take_until(Clock::now()), std::nullopt);
}

}  // namespace
}  // namespace app
