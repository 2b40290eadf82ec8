// What processes left behind when they were killed: DNS records, taken away at start and daily, and revocations, gone
// on with at start, as soon as they can be, and every ten minutes.
#include "acme/dns_provider.h"
#include "acme/manager_loop.h"
#include "acme/solver.h"
#include "base/log.h"

namespace acme {
namespace {

// What is younger may belong to an order that is under way or is gone on with.
constexpr std::chrono::hours old_enough{1};
constexpr std::chrono::hours every{24};
constexpr std::chrono::minutes revoke_again{10};

}  // namespace

void Manager::Loop::sweep(const std::stop_token& stop) {
  for (base::SteadyTime next = std::chrono::steady_clock::now(); !stop.stop_requested();) {
    if (std::chrono::steady_clock::now() >= next) {
      sweep_dns(stop);
      revocations_.forget_expired(options_.clock.now());
      next += every;
    }
    finish_revocations(stop);
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, stop, revoke_again, [&] { return revocations_due_; });
    revocations_due_ = false;
  }
}

void Manager::Loop::sweep_dns(const std::stop_token& stop) {
  IssuersPtr issuers;
  {
    const std::lock_guard lock(mutex_);
    issuers = issuers_;
  }
  for (const auto& [name, issuer] : *issuers) {
    const auto* acme = std::get_if<config::AcmeIssuer>(&issuer);
    if (acme == nullptr || !acme->dns) continue;
    const auto zone = dns_zone_of(*acme, options_.azure_zones);
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
}

}  // namespace acme
