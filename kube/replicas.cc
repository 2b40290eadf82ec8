#include "kube/replicas.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "base/log.h"
#include "kube/challenge_secret.h"
#include "kube/object_names.h"

namespace kube {
namespace {

constexpr const char* generation_annotation = "sekisho.io/challenges";
constexpr const char* record_label = "sekisho.io/record";

}  // namespace

Replicas::Replicas(Client& client, Options options)
    : client_(client),
      options_(std::move(options)),
      own_{options_.name_space, object_name_for("sekisho-replica", options_.identity)} {}

Outcome<void> Replicas::acknowledge(std::uint64_t generation, std::stop_token stop) {
  {
    const std::lock_guard lock(mutex_);
    acknowledged_ = std::max(acknowledged_, generation);
    generation = acknowledged_;
  }
  return say(generation, stop);
}

Outcome<void> Replicas::say(std::uint64_t generation, const std::stop_token& stop) {
  nlohmann::json patch;
  patch["metadata"]["annotations"][generation_annotation] = std::to_string(generation);
  patch["spec"]["renewTime"] = micro_time(client_.clock().now());
  const auto said = client_.merge(resources::leases, own_, patch, {}, stop);
  if (said) return {};
  if (!said.error().not_found()) return std::unexpected(said.error());
  nlohmann::json lease = to_json({.name = own_,
                                  .holder = options_.identity,
                                  .duration = options_.duration,
                                  .acquired = client_.clock().now(),
                                  .renewed = client_.clock().now()});
  lease["metadata"]["labels"][record_label] = "replica";
  lease["metadata"]["annotations"][generation_annotation] = std::to_string(generation);
  const auto made = client_.create(resources::leases, lease, stop);
  if (!made && !made.error().conflict()) return std::unexpected(made.error());
  return {};
}

Outcome<void> Replicas::renew(std::stop_token stop) {
  std::uint64_t generation = 0;
  {
    const std::lock_guard lock(mutex_);
    generation = acknowledged_;
  }
  if (auto said = say(generation, stop); !said) return said;
  if (const auto looked = look(0, Dead::removed, stop); !looked) return std::unexpected(looked.error());
  return {};
}

Outcome<unsigned> Replicas::behind(std::uint64_t generation, std::stop_token stop) {
  return look(generation, Dead::left, stop);
}

Outcome<unsigned> Replicas::look(std::uint64_t generation, Dead dead, const std::stop_token& stop) {
  const Selection all{.name_space = options_.name_space, .labels = std::string(record_label) + "=replica"};
  const auto listed = client_.list(resources::leases, all, stop);
  if (!listed) return std::unexpected(listed.error());
  unsigned behind = 0;
  std::vector<LeaseRecord> gone;
  {
    const std::lock_guard lock(mutex_);
    std::map<std::string, LeaseObserver> before = std::exchange(seen_, {});
    for (const nlohmann::json& object : listed->items) {
      const LeaseRecord lease = lease_from(object);
      if (lease.name == own_) continue;
      LeaseObserver& observer = seen_[lease.name.name];
      if (const auto known = before.find(lease.name.name); known != before.end()) observer = std::move(known->second);
      if (observer.free(lease, client_.clock().steady())) {
        gone.push_back(lease);
      } else if (generation_in(object, generation_annotation) < generation) {
        ++behind;
      }
    }
  }
  if (dead == Dead::left) return behind;
  for (const LeaseRecord& lease : gone) {
    // Not one that has come back to life; where another replica removes it at the same time, that is right, too.
    const Precondition as_seen{.uid = lease.uid, .resource_version = lease.resource_version};
    static_cast<void>(client_.remove(resources::leases, lease.name, as_seen, stop));
  }
  return behind;
}

void Replicas::leave() {
  const auto left = client_.remove(resources::leases, own_);
  if (!left && !left.error().not_found()) {
    base::log::warning("the Lease of this replica stays", {{"reason", left.error().error.what}});
  }
}

}  // namespace kube
