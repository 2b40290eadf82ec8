#include "app/metric_family.h"

#include <array>
#include <limits>
#include <utility>

namespace app {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

Family::Family(MetricFamilies& families, std::string name, std::string help, MetricType type)
    : family_(families.emplace_back()) {
  family_.name = std::move(name);
  family_.help = std::move(help);
  family_.type = type;
}

void Family::add(Labels labels, double value) {
  ClientMetric& metric = family_.metric.emplace_back();
  metric.label = std::move(labels);
  if (family_.type == MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

void Family::add(Labels labels, const std::vector<const proxy::LatencyHistogram*>& parts) {
  constexpr auto& bounds = proxy::LatencyHistogram::bounds;
  ClientMetric& metric = family_.metric.emplace_back();
  metric.label = std::move(labels);
  ClientMetric::Histogram& histogram = metric.histogram;
  for (std::size_t i = 0; i <= bounds.size(); ++i) {
    for (const proxy::LatencyHistogram* part : parts) histogram.sample_count += part->buckets[i].value();
    const double bound = i < bounds.size() ? bounds[i] : std::numeric_limits<double>::infinity();
    histogram.bucket.push_back({histogram.sample_count, bound});
  }
  for (const proxy::LatencyHistogram* part : parts) {
    histogram.sample_sum += static_cast<double>(part->sum_ns.value()) / 1e9;
  }
}

double seconds_of(base::SystemTime at) {
  return static_cast<double>(std::chrono::floor<std::chrono::seconds>(at).time_since_epoch().count());
}

void add_counter(MetricFamilies& families, std::string name, std::string help, double value) {
  Family(families, std::move(name), std::move(help), MetricType::Counter).add({}, value);
}

void add_gauge(MetricFamilies& families, std::string name, std::string help, double value) {
  Family(families, std::move(name), std::move(help), MetricType::Gauge).add({}, value);
}

}  // namespace app
