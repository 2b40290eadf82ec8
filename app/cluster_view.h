// ClusterView: how the part of a gateway does that follows a cluster. A plain value, for the admin endpoint.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <vector>

#include "app/cluster_watches.h"
#include "kube/event_recorder.h"
#include "kube/mirror_state.h"
#include "kube/notice.h"
#include "kube/shared_ticket_keys.h"

namespace app {

struct ClusterView {
  bool synced = false;  // every kind has been complete once, and is served
  std::vector<WatchedKind> watches;
  bool leads = false;  // this replica writes status and Events
  std::map<std::string, std::size_t> notices_by_reason;
  std::vector<kube::Notice> notices;  // all that hold now
  kube::EventRecorder::Counters events;
  std::size_t status_pending = 0;  // Ingresses whose status is not yet what it is to be
  std::uint64_t status_writes = 0;
  std::uint64_t status_failures = 0;
  kube::SharedTicketKeys::State ticket_keys;
  std::vector<kube::MirrorState> mirrors;
};

}  // namespace app
