#include "proxy/h2_closed_streams.h"

#include <gtest/gtest.h>

namespace proxy {
namespace {

using How = H2ClosedStreams::How;

TEST(H2ClosedStreams, TellsHowAStreamEnded) {
  H2ClosedStreams streams;
  streams.add(1, How::ended);
  streams.add(5, How::reset_by_us);
  EXPECT_EQ(streams.find(1), How::ended);
  EXPECT_EQ(streams.find(3), How::never_opened);
  EXPECT_EQ(streams.find(5), How::reset_by_us);
}

TEST(H2ClosedStreams, RemembersTheResetAndNotTheEndThatItMade) {
  H2ClosedStreams streams;
  streams.add(1, How::reset_by_us);
  streams.add(1, How::ended);
  EXPECT_EQ(streams.find(1), How::reset_by_us);
}

TEST(H2ClosedStreams, AccusesNobodyOfWhatItHasForgotten) {
  H2ClosedStreams streams;
  for (std::int32_t id = 1; id < 400; id += 2) streams.add(id, How::ended);
  EXPECT_EQ(streams.find(1), How::unknown);
  EXPECT_EQ(streams.find(399), How::ended);
}

}  // namespace
}  // namespace proxy
