#include "proxy/stats.h"

#include <gtest/gtest.h>

#include <memory>

namespace proxy {
namespace {

using namespace std::chrono_literals;

TEST(LatencyHistogram, ABoundBelongsToTheBucketBelowIt) {
  LatencyHistogram histogram;
  histogram.observe(0ns);
  histogram.observe(500us);
  histogram.observe(500us + 1ns);
  EXPECT_EQ(histogram.buckets[0].value(), 2U);
  EXPECT_EQ(histogram.buckets[1].value(), 1U);
  EXPECT_EQ(histogram.sum_ns.value(), 1'000'001U);
}

TEST(LatencyHistogram, WhatIsLongerThanAllBoundsIsInTheLastBucket) {
  LatencyHistogram histogram;
  histogram.observe(10s);
  histogram.observe(11s);
  histogram.observe(24h);
  EXPECT_EQ(histogram.buckets[LatencyHistogram::bounds.size() - 1].value(), 1U);
  EXPECT_EQ(histogram.buckets[LatencyHistogram::bounds.size()].value(), 2U);
}

TEST(WorkerStats, ARouteKeepsItsFiguresWhenItComesBack) {
  WorkerStats stats;
  stats.ensure_route(3);
  stats.route(3).bytes_in.add(7);
  stats.ensure_route(3);
  EXPECT_EQ(stats.route(3).bytes_in.value(), 7U);
  EXPECT_EQ(stats.routes[2].load(), nullptr);
}

TEST(ConnectionCount, CountsWhileItLivesAndOnlyOnceWhenMoved) {
  const auto endpoint = std::make_shared<EndpointStats>();
  {
    ConnectionCount one(endpoint);
    ConnectionCount moved(std::move(one));
    const ConnectionCount two(endpoint);
    EXPECT_EQ(endpoint->connections.load(), 2);
  }
  EXPECT_EQ(endpoint->connections.load(), 0);
  const ConnectionCount of_nobody(nullptr);
}

}  // namespace
}  // namespace proxy
