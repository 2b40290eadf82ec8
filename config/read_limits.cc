#include <chrono>

#include "config/sections.h"

namespace config {
namespace {

constexpr std::uint64_t many = 1'000'000'000;

}  // namespace

Limits read_limits(const Value& value) {
  const Mapping map(value, keys::limits);
  Limits limits;
  limits.header_count = map.number("header_count", limits.header_count, {1, 10'000});
  limits.header_size = map.size("header_size", limits.header_size, {Bytes{1 << 10}, Bytes{1 << 20}});
  limits.uri_length = map.size("uri_length", limits.uri_length, {Bytes{64}, Bytes{1 << 20}});
  limits.body_size = map.size("body_size", limits.body_size, {Bytes{0}, Bytes{std::uint64_t{1} << 50U}});
  limits.body_rate = map.size("body_rate", limits.body_rate, {Bytes{0}, Bytes{1 << 20}});
  limits.streams_per_connection = map.number("streams_per_connection", limits.streams_per_connection, {1, 10'000});
  limits.connections_per_address = map.number("connections_per_address", limits.connections_per_address, {1, many});
  limits.connections = map.number("connections", limits.connections, {0, many});
  limits.requests_per_connection = map.number("requests_per_connection", limits.requests_per_connection, {0, many});
  return limits;
}

Timeouts read_timeouts(const Value& value) {
  const Mapping map(value, keys::timeouts);
  Timeouts timeouts;
  timeouts.handshake = map.duration("handshake", timeouts.handshake, any_wait);
  timeouts.header = map.duration("header", timeouts.header, any_wait);
  timeouts.body = map.duration("body", timeouts.body, any_wait);
  timeouts.idle = map.duration("idle", timeouts.idle, any_wait);
  timeouts.write = map.duration("write", timeouts.write, any_wait);
  return timeouts;
}

Drain read_drain(const Value& value) {
  const Mapping map(value, keys::drain);
  Drain drain;
  drain.grace = map.duration("grace", drain.grace, wait_or_none);
  drain.deadline = map.duration("deadline", drain.deadline, wait_or_none);
  return drain;
}

}  // namespace config
