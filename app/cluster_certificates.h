// ClusterCertificates: certificates that are issued in a cluster. On every replica challenges are answered, whichever
// has put them; on the one that leads, cert-manager's part is played.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "app/cluster_duties.h"
#include "app/gateway.h"
#include "kube/certificate_controller.h"
#include "kube/changes.h"
#include "kube/client.h"
#include "kube/lease_locks.h"
#include "kube/secret_challenge_table.h"

namespace app {

class ClusterCertificates {
 public:
  using Wanted = kube::CertificateController::Wanted;
  using Beside = kube::CertificateController::Options::Beside;

  struct Options {
    kube::Client& client;
    Gateway& gateway;
    ClusterDuties& duties;   // says who leads, and tells Events
    std::string home;        // the namespace where this process lives, with its records and locks
    std::string identity;    // kube::process_identity()
    std::string name_space;  // that is served; empty: all
    kube::IssuingRules rules;
    Beside beside = Beside::stand_aside;
  };

  // What the options name outlives it.
  explicit ClusterCertificates(Options options);
  ~ClusterCertificates();
  ClusterCertificates(const ClusterCertificates&) = delete;
  ClusterCertificates& operator=(const ClusterCertificates&) = delete;

  // After the cluster is known. The thread of the translator.
  void take(const kube::Changes& changes);

  // Adds what is issued here to what is seen. Any thread.
  void describe(Observation& seen) const;

 private:
  void run(const std::stop_token& stop);
  void lead(acme::ChallengeTable& challenges, const std::stop_token& stop);

  Options options_;
  kube::LeaseLocks locks_;
  mutable std::mutex mutex_;  // guards the next five
  std::condition_variable_any changed_;
  std::shared_ptr<const Wanted> wanted_;            // null: not known yet
  std::map<kube::ObjectName, std::string> served_;  // UIDs of the Ingresses
  std::set<std::string> served_uids_;
  bool leads_ = false;
  kube::CertificateController* controller_ = nullptr;  // of lead()
  std::jthread thread_;
};

}  // namespace app
