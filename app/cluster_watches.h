// ClusterWatches: the watches on what an ingress is made of, and one queue of what they tell.
#pragma once

#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/client.h"
#include "kube/list_watch.h"

namespace app {

// How a watch does, for people and metrics.
struct WatchedKind {
  std::string resource;  // "ingresses"
  kube::WatchState state;
};

class ClusterWatches {
 public:
  struct Options {
    std::string name_space;  // empty: all, and what belongs to the whole cluster
    kube::Pace pace = {};
  };
  // An object as it is now; without one: it is gone.
  struct ObjectChange {
    kube::Resource resource;
    kube::ObjectName name;
    std::optional<nlohmann::json> object;
  };
  struct Batch {
    std::vector<ObjectChange> changes;  // each object once
    bool synced = false;                // with these, every kind has been complete once
  };

  // `client` outlives it.
  ClusterWatches(kube::Client& client, Options options);
  ~ClusterWatches();  // ends all at the same time
  ClusterWatches(const ClusterWatches&) = delete;
  ClusterWatches& operator=(const ClusterWatches&) = delete;

  void start();
  // Until something has changed; false: `stop` was asked for. Blocking.
  [[nodiscard]] bool wait(const std::stop_token& stop);
  // What has changed since the last call. What changes many times in between is told once, so the queue is never longer
  // than what is there.
  [[nodiscard]] Batch take();
  // Any thread.
  [[nodiscard]] std::vector<WatchedKind> states() const;

 private:
  class Feed;
  using Key = std::pair<std::string_view, kube::ObjectName>;  // plural and name
  void put(ObjectChange change);
  void synced();

  std::mutex mutex_;  // guards the next three
  std::condition_variable_any changed_;
  std::map<Key, ObjectChange> waiting_;
  bool news_ = false;
  std::vector<std::unique_ptr<Feed>> feeds_;
};

}  // namespace app
