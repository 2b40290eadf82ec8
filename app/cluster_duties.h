// ClusterDuties: what one replica of all does for the cluster: writes where Ingresses are reached into their status,
// tells their owners in Events what is wrong with them, and keeps mirrors of Secrets.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "app/cluster_view.h"
#include "kube/changes.h"
#include "kube/client.h"
#include "kube/event_recorder.h"
#include "kube/leader.h"
#include "kube/lease_locks.h"
#include "kube/mirror_writer.h"
#include "kube/status_writer.h"

namespace app {

class ClusterDuties {
 public:
  struct Options {
    std::string name_space;  // of the Lease: where this process lives
    std::string identity;    // kube::process_identity()
    std::string instance;    // who tells Events; the Pod's name
    // Apart from those who serve other classes in the same namespace.
    std::string lease = "ingress";
    kube::MirrorWriter::Options mirrors = {};
  };

  // `client` outlives it.
  ClusterDuties(kube::Client& client, Options options);
  ~ClusterDuties();
  ClusterDuties(const ClusterDuties&) = delete;
  ClusterDuties& operator=(const ClusterDuties&) = delete;

  // ---- The thread of the translator.

  [[nodiscard]] kube::StatusWriter& status() noexcept { return status_; }
  [[nodiscard]] kube::MirrorWriter& mirrors() noexcept { return mirrors_; }
  void take(const kube::Changes& changes);

  // `changed` hears from now on whether this replica leads, beginning with how it is; null: nobody does. When this
  // returns, the one before is not called any more.
  void on_lead(std::function<void(bool leads)> changed);
  // Any thread.
  [[nodiscard]] kube::EventRecorder& events() noexcept { return events_; }

  // Lets another replica lead. If none does, this was the last one: then Ingresses are reached nowhere any more, and
  // say so. Takes a few seconds on the replica that led. Blocking.
  void leave();

  // Adds to what is seen. Any thread.
  void describe(ClusterView& view) const;

 private:
  void lead(bool leads);
  [[nodiscard]] bool somebody_leads(const std::stop_token& stop);

  kube::Client& client_;
  const Options options_;
  kube::EventRecorder events_;
  kube::StatusWriter status_;
  kube::MirrorWriter mirrors_;
  kube::LeaseLocks locks_;
  mutable std::mutex mutex_;
  std::set<kube::Notice> notices_;
  bool leads_ = false;
  std::function<void(bool)> on_lead_;
  std::unique_ptr<kube::Leader> leader_;
};

}  // namespace app
