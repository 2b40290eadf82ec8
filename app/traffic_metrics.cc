#include <algorithm>
#include <array>
#include <set>

#include "app/metrics.h"

namespace app {
namespace {

using prometheus::MetricType;
using proxy::Counter;
using proxy::RouteStats;
using proxy::WorkerStats;

constexpr std::array<const char*, 4> handshake_versions{"TLSv1.2", "TLSv1.2", "TLSv1.3", "TLSv1.3"};
constexpr std::array<const char*, 4> handshake_resumed{"false", "true", "false", "true"};
static_assert(handshake_versions.size() == static_cast<std::size_t>(proxy::Handshake::count));

constexpr std::array handshake_failures{"timeout",
                                        "closed",
                                        "no_shared_cipher",
                                        "no_shared_protocol",
                                        "unsupported_version",
                                        "unknown_name",
                                        "client_certificate",
                                        "client_alert",
                                        "not_tls",
                                        "proxy_header",
                                        "other"};
static_assert(handshake_failures.size() == static_cast<std::size_t>(proxy::HandshakeFailure::count));

constexpr std::array violations{
    "header_size",  "header_count", "uri_length",    "body_size",   "header_timeout",
    "body_timeout", "idle_timeout", "write_timeout", "bad_request", "connections_per_address",
    "connections",  "protocol_h2",  "flood_h2",      "misdirected"};
static_assert(violations.size() == static_cast<std::size_t>(proxy::Violation::count));

constexpr std::array upstream_failures{
    "no_endpoint",        "queue_full",   "queue_timeout",   "connect", "connect_timeout", "tls",
    "first_byte_timeout", "idle_timeout", "request_timeout", "closed",  "protocol"};
static_assert(upstream_failures.size() == static_cast<std::size_t>(proxy::UpstreamFailure::count));

constexpr std::array code_classes{"none", "1xx", "2xx", "3xx", "4xx", "5xx"};

template <class Pick>
double sum(const Observation& seen, Pick pick) {
  std::uint64_t total = 0;
  for (const WorkerStats* stats : seen.workers) total += pick(*stats).value();
  return static_cast<double>(total);
}

double sum(const Observation& seen, Counter WorkerStats::* member) {
  return sum(seen, [member](const WorkerStats& stats) -> const Counter& { return stats.*member; });
}

// One sample for each of `names`, which are the places of the array `member`.
template <std::size_t N, class Names>
void add_by_reason(MetricFamilies& families, const char* name, const char* help, const Observation& seen,
                   std::array<Counter, N> WorkerStats::* member, const Names& names) {
  Family family(families, name, help, MetricType::Counter);
  for (std::size_t i = 0; i < N; ++i) {
    family.add({{"reason", names[i]}},
               sum(seen, [&](const WorkerStats& stats) -> const Counter& { return (stats.*member)[i]; }));
  }
}

void add_connections(MetricFamilies& families, const Observation& seen) {
  add_gauge(families, "sekisho_connections_open", "Client connections open now.",
            sum(seen, &WorkerStats::connections_open));
  add_gauge(families, "sekisho_connections_parked", "Client connections whose client has said nothing for a while.",
            sum(seen, &WorkerStats::connections_parked));
  add_counter(families, "sekisho_connections_total", "Client connections accepted.",
              sum(seen, &WorkerStats::connections_accepted));
  add_counter(families, "sekisho_tls_connections_total", "Client connections accepted on TLS listeners.",
              sum(seen, &WorkerStats::connections_tls));
  add_counter(families, "sekisho_bytes_received_total", "Bytes read from client sockets.",
              sum(seen, &WorkerStats::bytes_received));
  add_counter(families, "sekisho_bytes_sent_total", "Bytes written to client sockets.",
              sum(seen, &WorkerStats::bytes_sent));
  add_by_reason(families, "sekisho_client_violations_total", "Requests and connections ended by a limit.", seen,
                &WorkerStats::violations, violations);
}

void add_handshakes(MetricFamilies& families, const Observation& seen) {
  {
    Family done(families, "sekisho_handshakes_total", "TLS handshakes completed.", MetricType::Counter);
    for (std::size_t i = 0; i < handshake_versions.size(); ++i) {
      done.add({{"version", handshake_versions[i]}, {"resumed", handshake_resumed[i]}},
               sum(seen, [i](const WorkerStats& stats) -> const Counter& { return stats.handshakes[i]; }));
    }
  }
  add_by_reason(families, "sekisho_handshake_failures_total", "TLS handshakes that failed.", seen,
                &WorkerStats::handshake_failures, handshake_failures);
  std::vector<const proxy::LatencyHistogram*> parts;
  for (const WorkerStats* stats : seen.workers) parts.push_back(&stats->handshake_time);
  Family(families, "sekisho_handshake_duration_seconds", "From accept to the end of the TLS handshake.",
         MetricType::Histogram)
      .add({}, parts);
}

// The statistics of each route that some worker has counted for.
struct RouteParts {
  std::string name;
  std::vector<const RouteStats*> workers;
};

std::vector<RouteParts> routes_of(const Observation& seen) {
  std::vector<RouteParts> routes;
  std::set<std::string> names;  // two slots of one name would be one series twice
  for (std::size_t slot = 0; slot < std::min(seen.route_names.size(), WorkerStats::most_routes); ++slot) {
    RouteParts parts{seen.route_names[slot], {}};
    for (const WorkerStats* stats : seen.workers) {
      if (const RouteStats* route = stats->routes[slot].load(std::memory_order_acquire)) parts.workers.push_back(route);
    }
    if (!parts.workers.empty() && names.insert(parts.name).second) routes.push_back(std::move(parts));
  }
  return routes;
}

template <class Pick>
double sum_route(const RouteParts& route, Pick pick) {
  std::uint64_t total = 0;
  for (const RouteStats* stats : route.workers) total += pick(*stats).value();
  return static_cast<double>(total);
}

void add_routes(MetricFamilies& families, const Observation& seen) {
  const std::vector<RouteParts> routes = routes_of(seen);
  {
    Family requests(families, "sekisho_requests_total", "Requests by route and class of status.", MetricType::Counter);
    for (const RouteParts& route : routes) {
      for (std::size_t i = 0; i < code_classes.size(); ++i) {
        requests.add({{"route", route.name}, {"code_class", code_classes[i]}},
                     sum_route(route, [i](const RouteStats& stats) -> const Counter& { return stats.by_class[i]; }));
      }
    }
  }
  {
    Family durations(families, "sekisho_request_duration_seconds",
                     "From the head of a request to the last byte of its response.", MetricType::Histogram);
    for (const RouteParts& route : routes) {
      std::vector<const proxy::LatencyHistogram*> parts;
      for (const RouteStats* stats : route.workers) parts.push_back(&stats->latency);
      durations.add({{"route", route.name}}, parts);
    }
  }
  {
    Family in(families, "sekisho_request_body_bytes_total", "Bytes of request bodies.", MetricType::Counter);
    for (const RouteParts& route : routes) {
      in.add({{"route", route.name}},
             sum_route(route, [](const RouteStats& s) -> const Counter& { return s.bytes_in; }));
    }
  }
  Family out(families, "sekisho_response_body_bytes_total", "Bytes of response bodies.", MetricType::Counter);
  for (const RouteParts& route : routes) {
    out.add({{"route", route.name}},
            sum_route(route, [](const RouteStats& s) -> const Counter& { return s.bytes_out; }));
  }
}

void add_requests(MetricFamilies& families, const Observation& seen) {
  {
    Family by_protocol(families, "sekisho_protocol_requests_total", "Requests by protocol of the client's connection.",
                       MetricType::Counter);
    by_protocol.add({{"protocol", "h1"}}, sum(seen, &WorkerStats::requests_h1));
    by_protocol.add({{"protocol", "h2"}}, sum(seen, &WorkerStats::requests_h2));
  }
  add_gauge(families, "sekisho_requests_open", "Requests under way.", sum(seen, &WorkerStats::requests_open));
  add_gauge(families, "sekisho_upgrades_open", "WebSockets and other upgraded connections open now.",
            sum(seen, &WorkerStats::upgrades_open));
  add_counter(families, "sekisho_acme_answers_total", "ACME challenges answered.",
              sum(seen, &WorkerStats::acme_answers));
  add_counter(families, "sekisho_access_log_dropped_total", "Access log lines dropped because its reader was slow.",
              sum(seen, &WorkerStats::access_log_dropped));
  add_counter(families, "sekisho_unknown_names_told_total",
              "Names that clients asked for, no certificate covered, and on-demand issuing was told of.",
              sum(seen, &WorkerStats::unknown_names_told));
  add_counter(families, "sekisho_unknown_names_dropped_total",
              "The same, dropped because there were too many of them at once.",
              sum(seen, &WorkerStats::unknown_names_dropped));
  add_counter(families, "sekisho_escaped_errors_total", "Connections ended by an unexpected exception; always a bug.",
              sum(seen, &WorkerStats::escaped_errors));
}

}  // namespace

void add_traffic_metrics(MetricFamilies& families, const Observation& seen) {
  add_connections(families, seen);
  add_handshakes(families, seen);
  add_requests(families, seen);
  add_routes(families, seen);

  add_by_reason(families, "sekisho_upstream_failures_total", "Attempts at backends that failed.", seen,
                &WorkerStats::upstream_failures, upstream_failures);
  add_counter(families, "sekisho_upstream_connections_opened_total", "Connections opened to backends.",
              sum(seen, &WorkerStats::upstream_connections_opened));
  add_counter(families, "sekisho_upstream_connections_reused_total", "Requests sent on a connection kept from before.",
              sum(seen, &WorkerStats::upstream_connections_reused));
  add_counter(families, "sekisho_upstream_retries_total", "Requests sent to a second endpoint.",
              sum(seen, &WorkerStats::retries));
  add_counter(families, "sekisho_upstream_retries_over_budget_total", "Retries not made because of the retry budget.",
              sum(seen, &WorkerStats::retries_over_budget));
}

}  // namespace app
