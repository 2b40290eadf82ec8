// Whether a cert-manager works in this cluster.
#pragma once

#include <map>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/clock.h"
#include "kube/client.h"
#include "kube/lease_record.h"

namespace kube {

// Seen by the Lease that its controller renews. One thread.
class CertManagerWatch {
 public:
  // `namespaces`: where its Lease may be; it is in kube-system unless its owner says otherwise.
  CertManagerWatch(Client& client, std::vector<std::string> namespaces);

  // Whether one may be at work. Asks now and then, and otherwise says what it saw. One that has not renewed for a
  // minute is gone; only a Lease that is not there (404) is none. What cannot be asked stays as it was last seen, and
  // where it was never seen one may well be there: two that issue into the same Secrets do harm, waiting does not.
  // Blocking.
  [[nodiscard]] bool alive(const std::stop_token& stop);

 private:
  // nullopt: it does not say.
  [[nodiscard]] std::optional<bool> look_at(const std::string& name_space, const std::stop_token& stop);

  Client& client_;
  std::vector<std::string> namespaces_;
  std::map<std::string, LeaseObserver> seen_;  // by namespace
  std::map<std::string, bool> known_;          // by namespace: what the last answer said
  bool alive_ = false;
  bool warned_ = false;  // that it may not look; until it may
  base::SteadyTime next_{};
};

}  // namespace kube
