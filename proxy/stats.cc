#include "proxy/stats.h"

namespace proxy {

void WorkerStats::ensure_route(std::size_t slot) {
  if (routes[slot].load(std::memory_order_relaxed) != nullptr) return;
  auto made = std::make_unique<RouteStats>();
  routes[slot].store(made.release(), std::memory_order_release);
}

WorkerStats::~WorkerStats() {
  for (auto& slot : routes) std::unique_ptr<RouteStats>(slot.load());
}

}  // namespace proxy
