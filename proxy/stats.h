// Stats: what a worker counts. Written by its thread alone, read by the admin endpoint: the only thing that goes up.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

namespace proxy {

// One writer, any readers.
class Counter {
 public:
  void add(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
  void subtract(std::uint64_t n = 1) noexcept {
    value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed);
  }
  [[nodiscard]] std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> value_{0};
};

// Seconds, with Prometheus' usual bounds widened downwards.
class LatencyHistogram {
 public:
  static constexpr std::array<double, 14> bounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                 0.1,    0.25,  0.5,    1,     2.5,  5,     10};
  void observe(std::chrono::nanoseconds duration) noexcept {
    const double seconds_taken = std::chrono::duration<double>(duration).count();
    std::size_t bucket = 0;
    while (bucket < bounds.size() && seconds_taken > bounds[bucket]) ++bucket;
    buckets[bucket].add();
    sum_ns.add(static_cast<std::uint64_t>(duration.count()));
  }
  std::array<Counter, bounds.size() + 1> buckets;  // not cumulative; the last one is +Inf
  Counter sum_ns;
};

enum class Handshake : std::uint8_t { tls12_full, tls12_resumed, tls13_full, tls13_resumed, count };
enum class HandshakeFailure : std::uint8_t {
  timeout,  // Timeouts::handshake
  closed,   // the client went away
  no_shared_cipher,
  no_shared_protocol,  // ALPN
  unsupported_version,
  unknown_name,        // unrecognized_name sent, or no certificate at all
  client_certificate,  // missing or not trusted
  client_alert,        // the client did not like ours
  not_tls,             // plain HTTP or garbage on a TLS listener
  proxy_header,        // the PROXY header was missing or broken
  other,
  count
};
// Violations of limits by clients.
enum class Violation : std::uint8_t {
  header_size,
  header_count,
  uri_length,
  body_size,
  header_timeout,
  body_timeout,
  idle_timeout,
  write_timeout,
  bad_request,
  connections_per_address,
  connections,
  protocol_h2,
  flood_h2,
  misdirected,
  count
};

struct RouteStats {
  std::array<Counter, 6> by_class;  // [1]: 1xx ... [5]: 5xx; [0]: no response could be sent
  LatencyHistogram latency;         // request head read to the last byte handed to the socket
  Counter bytes_in, bytes_out;      // bodies
};

// What forward could not do, by cause.
enum class UpstreamFailure : std::uint8_t {
  no_endpoint,
  queue_full,
  queue_timeout,
  connect,
  connect_timeout,
  tls,
  first_byte_timeout,
  idle_timeout,
  request_timeout,
  closed,
  protocol,
  count
};

struct WorkerStats {
  static constexpr std::size_t most_routes = 1024;  // the last slot collects all further ones

  Counter connections_accepted, connections_open, connections_parked, connections_tls;
  Counter requests_h1, requests_h2, requests_open;
  Counter upgrades_open;
  std::array<Counter, static_cast<std::size_t>(Handshake::count)> handshakes;
  std::array<Counter, static_cast<std::size_t>(HandshakeFailure::count)> handshake_failures;
  LatencyHistogram handshake_time;
  std::array<Counter, static_cast<std::size_t>(Violation::count)> violations;
  std::array<Counter, static_cast<std::size_t>(UpstreamFailure::count)> upstream_failures;
  Counter bytes_received, bytes_sent;  // on client sockets
  Counter upstream_connections_opened, upstream_connections_reused, retries, retries_over_budget;
  Counter acme_answers;
  Counter access_log_dropped;
  Counter unknown_names_told, unknown_names_dropped;  // see proxy/unknown_names.h
  Counter escaped_errors;                             // coroutines that ended with an exception: always a bug
  std::atomic<std::uint64_t> generation{0};

  // Slots are made by the worker when it takes a snapshot, and never go away.
  [[nodiscard]] RouteStats& route(std::size_t slot) noexcept { return *routes[slot].load(std::memory_order_relaxed); }
  void ensure_route(std::size_t slot);
  std::array<std::atomic<RouteStats*>, most_routes> routes{};

  WorkerStats() = default;
  WorkerStats(const WorkerStats&) = delete;
  WorkerStats& operator=(const WorkerStats&) = delete;
  ~WorkerStats();
};

// Of one endpoint, shared by all workers: plain atomics, touched once or twice a request.
struct EndpointStats {
  std::atomic<std::uint64_t> requests{0}, failures{0}, ejections{0};
  std::atomic<std::int64_t> connections{0}, in_flight{0};
};

// One open connection to an endpoint, counted while this lives.
class ConnectionCount {
 public:
  explicit ConnectionCount(std::shared_ptr<EndpointStats> stats) : stats_(std::move(stats)) {
    if (stats_ != nullptr) stats_->connections.fetch_add(1, std::memory_order_relaxed);
  }
  ConnectionCount(ConnectionCount&&) noexcept = default;
  ConnectionCount& operator=(ConnectionCount&&) = delete;
  ~ConnectionCount() {
    if (stats_ != nullptr) stats_->connections.fetch_sub(1, std::memory_order_relaxed);
  }

 private:
  std::shared_ptr<EndpointStats> stats_;
};

}  // namespace proxy
