// DNS records that processes left behind when they were killed: taken away at start, and daily.
#include "acme/dns_provider.h"
#include "acme/manager_loop.h"
#include "acme/solver.h"
#include "base/log.h"
#include "base/wait.h"

namespace acme {
namespace {

// What is younger may belong to an order that is under way or is gone on with.
constexpr std::chrono::hours old_enough{1};
constexpr std::chrono::hours every{24};

}  // namespace

void Manager::Loop::sweep(const std::stop_token& stop) {
  do {
    IssuersPtr issuers;
    {
      const std::lock_guard lock(mutex_);
      issuers = issuers_;
    }
    for (const auto& [name, issuer] : *issuers) {
      const auto* acme = std::get_if<config::AcmeIssuer>(&issuer);
      if (acme == nullptr || !acme->dns) continue;
      const auto zone = dns_zone_of(*acme);
      const auto swept = zone ? sweep_dns_records(**zone, options_.storage, options_.clock.now() - old_enough, stop)
                              : base::Result<unsigned>(std::unexpected(zone.error()));
      if (!swept && !stop.stop_requested()) {
        base::log::warning("DNS records of a former process stay", {{"issuer", name}, {"error", swept.error().what}});
      }
      if (swept && *swept > 0) {
        base::log::info("DNS records of a former process taken away",
                        {{"issuer", name}, {"records", std::to_string(*swept)}});
      }
    }
  } while (base::wait_for(every, stop));
}

}  // namespace acme
