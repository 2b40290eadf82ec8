#include "proxy/transport.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

#include "tests/proxy/wire.h"

namespace proxy {
namespace {

using Kind = Transport::Read::Kind;
using test::LocalWorker;
using test::Wire;

std::string read_now(LocalWorker& local, Transport& transport) {
  const Transport::Read read = transport.read(local.worker.read_buffer());
  return {local.worker.read_buffer().data(), read.bytes};
}

TEST(Transport, SaysWhyThereIsNothing) {
  LocalWorker local;
  Wire wire(local);
  EXPECT_EQ(wire.transport.read(local.worker.read_buffer()).kind, Kind::blocked);
  wire.peer.end();
  local.run([&]() -> awaitable<void> {
    const auto ready = co_await wire.transport.readable();
    EXPECT_TRUE(ready.has_value());
  });
  EXPECT_EQ(wire.transport.read(local.worker.read_buffer()).kind, Kind::end);
  EXPECT_FALSE(wire.transport.failed());
  EXPECT_TRUE(wire.transport.peer_gone());
}

TEST(Transport, AResetIsAFailureThatNamesItself) {
  LocalWorker local;
  Wire wire(local);
  wire.peer.reset();
  local.run([&]() -> awaitable<void> {
    const auto ready = co_await wire.transport.readable();
    EXPECT_FALSE(ready.has_value());
  });
  EXPECT_EQ(wire.transport.read(local.worker.read_buffer()).kind, Kind::failed);
  EXPECT_EQ(wire.transport.error().code, base::Code::closed);
  EXPECT_EQ(wire.transport.error().retry, base::Retry::fresh_connection);
}

TEST(Transport, HoldsSmallPiecesUntilPushed) {
  LocalWorker local;
  Wire wire(local);
  wire.transport.write(std::string_view("one "));
  wire.transport.write(std::string_view("two"));
  EXPECT_TRUE(wire.peer.silent());
  EXPECT_EQ(wire.sent.value(), 0U);
  wire.transport.push();
  EXPECT_EQ(wire.peer.hear(7), "one two");
  EXPECT_EQ(wire.sent.value(), 7U);
}

TEST(Transport, AnotherConnectionThatWritesSendsWhatThisOneHeld) {
  LocalWorker local;
  Wire first(local);
  Wire second(local);
  first.transport.write(std::string_view("mine"));
  second.transport.write(std::string_view("yours"));
  EXPECT_EQ(first.peer.hear(4), "mine");
  EXPECT_TRUE(second.peer.silent());
  second.transport.push();
  EXPECT_EQ(second.peer.hear(5), "yours");
  EXPECT_TRUE(first.peer.silent());
}

TEST(Transport, WhatAGoneConnectionHeldGoesToNobody) {
  LocalWorker local;
  Wire second(local);
  {
    Wire first(local);
    first.transport.write(std::string_view("secret"));
  }
  second.transport.write(std::string_view("own"));
  second.transport.push();
  second.transport.close_write();
  EXPECT_EQ(second.peer.hear_all(), "own");
}

TEST(Transport, KeepsTheOrderOfSmallAndLargePieces) {
  LocalWorker local;
  Wire wire(local);
  const std::string large(20'000, 'L');
  wire.transport.write(std::string_view("before"));
  wire.transport.write(large);
  wire.transport.write(std::string_view("after"));
  wire.transport.close_write();
  EXPECT_EQ(wire.peer.hear_all(), "before" + large + "after");
}

TEST(Transport, IsCongestedUntilTheSlowPeerReads) {
  LocalWorker local;
  Wire wire(local);
  const std::string piece(60'000, 'x');
  std::size_t written = 0;
  while (!wire.transport.congested() && written < (64U << 20U)) {
    wire.transport.write(piece);
    written += piece.size();
  }
  ASSERT_TRUE(wire.transport.congested());
  std::string heard;
  std::jthread reader([&] { heard = wire.peer.hear(written); });
  local.run([&]() -> awaitable<void> {
    const auto drained = co_await wire.transport.drain();
    EXPECT_TRUE(drained.has_value());
  });
  EXPECT_FALSE(wire.transport.congested());
  reader.join();
  EXPECT_EQ(heard.size(), written);
  EXPECT_EQ(wire.sent.value(), written);
}

TEST(Transport, ThePeerThatNeverReadsCannotMakeItHoldMoreThanItsBound) {
  LocalWorker local;
  Wire wire(local);
  const std::string piece(60'000, 'x');
  for (std::size_t written = 0; !wire.transport.failed() && written < (64U << 20U); written += piece.size()) {
    wire.transport.write(piece);
  }
  EXPECT_TRUE(wire.transport.failed());
  EXPECT_EQ(wire.transport.error().code, base::Code::overloaded);
}

TEST(Transport, EarlyBytesCanBeLookedAtAndAreStillRead) {
  LocalWorker local;
  Wire wire(local);
  wire.peer.say("PRI * HTTP/2.0");
  local.run([&]() -> awaitable<void> { (void)co_await wire.transport.readable(); });
  EXPECT_EQ(wire.transport.early(), "PRI * HTTP/2.0");
  EXPECT_FALSE(wire.transport.quiet());
  EXPECT_EQ(read_now(local, wire.transport), "PRI * HTTP/2.0");
  EXPECT_EQ(wire.transport.early(), "");
  EXPECT_EQ(wire.received.value(), 14U);
}

TEST(Transport, ReadsInOrderWhatIsLongerThanTheEarlyBytes) {
  LocalWorker local;
  Wire wire(local);
  std::string text;
  for (int i = 0; text.size() < 5'000; ++i) text += std::to_string(i) + ",";
  wire.peer.say(text);
  std::string heard;
  local.run([&]() -> awaitable<void> {
    while (heard.size() < text.size()) {
      const std::string more = read_now(local, wire.transport);
      heard += more;
      if (!more.empty()) continue;
      const auto ready = co_await wire.transport.readable();
      if (!ready) break;
    }
  });
  EXPECT_EQ(heard, text);
  EXPECT_EQ(wire.received.value(), text.size());
}

TEST(Transport, InterruptEndsAWaitAndNothingElse) {
  LocalWorker local;
  Wire wire(local);
  std::unique_ptr<base::Error> error;
  bool disturb = true;
  const auto wait = [&]() -> awaitable<void> {
    if (disturb) local.worker.post([&] { wire.transport.interrupt(); });
    const auto ready = co_await wire.transport.readable();
    if (!ready) error = std::make_unique<base::Error>(ready.error());
  };
  local.run(wait);
  ASSERT_NE(error, nullptr);
  EXPECT_EQ(error->code, base::Code::cancelled);
  EXPECT_FALSE(wire.transport.failed());
  wire.peer.say("still here");
  error.reset();
  disturb = false;
  local.run(wait);
  EXPECT_EQ(error, nullptr);
  EXPECT_EQ(read_now(local, wire.transport), "still here");
}

TEST(Transport, CancelEndsAllWaitsNowAndLaterWithItsError) {
  LocalWorker local;
  Wire wire(local);
  int timeouts = 0;
  const auto wait = [&]() -> awaitable<void> {
    local.worker.post([&] { wire.transport.cancel({base::Code::timeout, "too late"}); });
    const auto ready = co_await wire.transport.readable();
    if (!ready && ready.error().code == base::Code::timeout) ++timeouts;
  };
  local.run(wait);
  local.run(wait);
  EXPECT_EQ(timeouts, 2);
  EXPECT_TRUE(wire.transport.cut());
  EXPECT_EQ(wire.transport.read(local.worker.read_buffer()).kind, Kind::failed);
  EXPECT_EQ(wire.peer.hear_all(), "");
}

// A backend may answer and close before it has read the whole request: its answer counts.
TEST(Transport, WhatThePeerSaidBeforeItCutIsStillRead) {
  LocalWorker local;
  Wire wire(local);
  wire.peer.say("answer");
  wire.peer.reset();
  wire.transport.write(std::string_view("more of the request"));
  wire.transport.push();
  EXPECT_TRUE(wire.transport.cut());
  EXPECT_FALSE(wire.transport.failed());
  EXPECT_EQ(read_now(local, wire.transport), "answer");
  local.run([&]() -> awaitable<void> {
    const auto drained = co_await wire.transport.drain();
    EXPECT_FALSE(drained.has_value());
  });
}

TEST(Transport, QuietMeansNothingToReadAndNoEnd) {
  LocalWorker local;
  Wire wire(local);
  EXPECT_TRUE(wire.transport.quiet());
  EXPECT_FALSE(wire.transport.peer_gone());
  wire.peer.say("x");
  EXPECT_FALSE(wire.transport.quiet());
  EXPECT_FALSE(wire.transport.peer_gone());
  EXPECT_EQ(read_now(local, wire.transport), "x");
  EXPECT_TRUE(wire.transport.quiet());
  wire.peer.hang_up();
  EXPECT_FALSE(wire.transport.quiet());
  EXPECT_TRUE(wire.transport.peer_gone());
}

TEST(Transport, AfterCloseWriteItStillReads) {
  LocalWorker local;
  Wire wire(local);
  wire.transport.write(std::string_view("last words"));
  wire.transport.close_write();
  EXPECT_EQ(wire.peer.hear_all(), "last words");
  wire.peer.say("heard");
  EXPECT_EQ(read_now(local, wire.transport), "heard");
}

}  // namespace
}  // namespace proxy
