// LeaseLocks: acme::Locks of a cluster, one Lease a name. Whoever dies loses it after the Lease's time; whoever cannot
// reach the API knows before that time that it may be lost.
#pragma once

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "acme/lock.h"
#include "kube/client.h"
#include "kube/lease_record.h"

namespace kube {

// Any thread. Outlives every lock that it has given.
class LeaseLocks final : public acme::Locks {
 public:
  struct Options {
    std::string name_space;
    std::string identity;  // of this process, never used by another: process_identity()
    // duration > renew_deadline > 1.2 * retry.
    std::chrono::seconds duration{15};
    std::chrono::milliseconds renew_deadline{10'000};  // without a renewal for this long it is given up
    std::chrono::milliseconds retry{2'000};
  };

  LeaseLocks(Client& client, Options options);
  ~LeaseLocks() override;
  // Errors: timeout (somebody else has it), cancelled, or what the API says. Blocking. `patience` may be nothing: what
  // was seen of a Lease at the last time still counts.
  [[nodiscard]] base::Result<std::unique_ptr<acme::Lock>> take(const std::string& name,
                                                               std::chrono::milliseconds patience,
                                                               std::stop_token stop) override;
  // Looks at all Leases at once: whoever does so every few seconds can take over at once what has stood still for its
  // time, where it would else have to wait for that time. Where the API does not answer, what was seen still counts.
  void observe(const std::stop_token& stop);

 private:
  class Held;
  [[nodiscard]] Outcome<std::optional<LeaseRecord>> try_once(const ObjectName& name, const std::stop_token& stop);
  [[nodiscard]] Outcome<std::optional<LeaseRecord>> take_over(LeaseRecord lease, const std::stop_token& stop);
  void release(const LeaseRecord& lease);
  void free_here(const std::string& name);

  Client& client_;
  const Options options_;
  std::mutex mutex_;
  std::map<std::string, LeaseObserver> seen_;  // of others; by the Lease's name
  std::map<std::string, bool> held_here_;      // by a thread of this process: they share one identity
};

}  // namespace kube
