#include "proxy/event.h"

#include <gtest/gtest.h>

#include <memory>

#include "tests/proxy/wire.h"

namespace proxy {
namespace {

using test::LocalWorker;

TEST(Event, NotifiedBeforeItIsWaitedForLetsExactlyOneThrough) {
  LocalWorker local;
  Event event(local.worker.io());
  event.notify();
  event.notify();
  int passed = 0;
  local.run([&]() -> awaitable<void> {
    co_await event.wait();
    ++passed;
    local.worker.post([&] {
      EXPECT_EQ(passed, 1);
      event.notify();
    });
    co_await event.wait();
    ++passed;
  });
  EXPECT_EQ(passed, 2);
}

TEST(Event, WakesFromTheLoopAndNeverFromWithinNotify) {
  LocalWorker local;
  Event event(local.worker.io());
  bool woken = false;
  local.run([&]() -> awaitable<void> {
    local.worker.post([&] {
      event.notify();
      EXPECT_FALSE(woken);
    });
    co_await event.wait();
    woken = true;
  });
  EXPECT_TRUE(woken);
}

TEST(Event, ItsEndWakesTheOneWhoWaits) {
  LocalWorker local;
  auto event = std::make_unique<Event>(local.worker.io());
  bool woken = false;
  local.run([&]() -> awaitable<void> {
    local.worker.post([&] { event.reset(); });
    co_await event->wait();
    woken = true;
  });
  EXPECT_TRUE(woken);
}

}  // namespace
}  // namespace proxy
