#include <array>
#include <functional>

#include <fmt/format.h>

#include "app/metrics.h"

namespace app {
namespace {

using prometheus::MetricType;
using proxy::EndpointState;

std::string address_of(const EndpointState& endpoint) {
  const auto address = endpoint.address.address();
  return address.is_v6() ? fmt::format("[{}]:{}", address.to_string(), endpoint.address.port())
                         : fmt::format("{}:{}", address.to_string(), endpoint.address.port());
}

struct Measure {
  const char* name;
  const char* help;
  MetricType type;
  std::function<double(const EndpointState&)> value;
};

double read(const std::atomic<std::uint64_t>& counter) {
  return static_cast<double>(counter.load());
}
double read(const std::atomic<std::int64_t>& gauge) {
  return static_cast<double>(gauge.load());
}

}  // namespace

void add_backend_metrics(MetricFamilies& families, const Observation& seen) {
  const std::array<Measure, 6> measures{{
      {"sekisho_endpoint_healthy", "1 if the endpoint passes its health check, or has none.", MetricType::Gauge,
       [](const EndpointState& endpoint) { return endpoint.healthy ? 1.0 : 0.0; }},
      {"sekisho_endpoint_requests_total", "Requests sent to the endpoint.", MetricType::Counter,
       [](const EndpointState& endpoint) { return read(endpoint.stats->requests); }},
      {"sekisho_endpoint_failures_total", "Requests that failed at the endpoint.", MetricType::Counter,
       [](const EndpointState& endpoint) { return read(endpoint.stats->failures); }},
      {"sekisho_endpoint_ejections_total", "Times that a worker left the endpoint out because it failed.",
       MetricType::Counter, [](const EndpointState& endpoint) { return read(endpoint.stats->ejections); }},
      {"sekisho_endpoint_connections", "Connections to the endpoint open now.", MetricType::Gauge,
       [](const EndpointState& endpoint) { return read(endpoint.stats->connections); }},
      {"sekisho_endpoint_requests_in_flight", "Requests that the endpoint is answering now.", MetricType::Gauge,
       [](const EndpointState& endpoint) { return read(endpoint.stats->in_flight); }},
  }};
  for (const Measure& measure : measures) {
    Family family(families, measure.name, measure.help, measure.type);
    if (!seen.snapshot || !seen.snapshot->backends) continue;
    for (const auto& [name, backend] : seen.snapshot->backends->sorted()) {
      for (const EndpointState& endpoint : backend->endpoints) {
        if (!endpoint.stats) continue;
        family.add({{"backend", std::string(name)}, {"endpoint", endpoint.name}, {"address", address_of(endpoint)}},
                   measure.value(endpoint));
      }
    }
  }
}

}  // namespace app
