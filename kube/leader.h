// Leader: one of all replicas does what must be done once. Held by a Lease; who dies is followed after its time.
#pragma once

#include <atomic>
#include <functional>
#include <string>
#include <thread>

#include "acme/lock.h"

namespace kube {

class Leader {
 public:
  // `changed` runs on the leader's thread whenever leads() has changed; quick. `locks` outlives it.
  Leader(acme::Locks& locks, std::string name, std::function<void(bool leads)> changed);
  ~Leader();  // lets go of it
  Leader(const Leader&) = delete;
  Leader& operator=(const Leader&) = delete;

  // Any thread.
  [[nodiscard]] bool leads() const noexcept { return leads_; }

 private:
  void run(const std::stop_token& stop);
  void hold(const acme::Lock& lock, const std::stop_token& stop);

  acme::Locks& locks_;
  const std::string name_;
  std::function<void(bool)> changed_;
  std::atomic<bool> leads_{false};
  std::jthread thread_;
};

}  // namespace kube
