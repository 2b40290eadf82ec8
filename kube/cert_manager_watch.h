// Whether a cert-manager works in this cluster.
#pragma once

#include <map>
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

  // Asks now and then, and otherwise says what it saw. One that has not renewed for a minute is gone. Where the Lease
  // may not be read there is none. Blocking.
  [[nodiscard]] bool alive(const std::stop_token& stop);

 private:
  Client& client_;
  std::vector<std::string> namespaces_;
  std::map<std::string, LeaseObserver> seen_;  // by namespace
  bool alive_ = false;
  base::SteadyTime next_{};
};

}  // namespace kube
