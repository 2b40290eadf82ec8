// LeaseRecord: what a Lease says (coordination.k8s.io/v1), and when it has run out. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"
#include "kube/resource.h"

namespace kube {

struct LeaseRecord {
  ObjectName name;
  std::string resource_version;
  std::string uid;
  std::string holder;  // empty: nobody
  std::chrono::seconds duration{0};
  base::SystemTime acquired{};
  base::SystemTime renewed{};
  int transitions = 0;
};

// Missing fields read as nothing.
[[nodiscard]] LeaseRecord lease_from(const nlohmann::json& object);
// The object as it is written: metadata.resourceVersion only where the record has one.
[[nodiscard]] nlohmann::json to_json(const LeaseRecord& lease);
// "2006-01-02T15:04:05.000000Z": the API refuses any other number of digits.
[[nodiscard]] std::string micro_time(base::SystemTime time);

// How long a Lease has looked as it does. The times in it are of another machine's clock, so they are only compared
// with each other: what counts is when we first saw them.
class LeaseObserver {
 public:
  // Whether its holder has let its time pass: nobody holds it, or it has looked so for longer than its duration.
  [[nodiscard]] bool free(const LeaseRecord& lease, base::SteadyTime now);

 private:
  std::string seen_;
  base::SteadyTime since_{};
};

}  // namespace kube
