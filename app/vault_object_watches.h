// VaultObjectWatches: the watches on others' objects that name what is in a vault. Each kind only as far as the server
// has it and gives it out.
#pragma once

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "app/cluster_watches.h"
#include "kube/client.h"
#include "kube/resource.h"

namespace app {

class VaultObjectWatches {
 public:
  struct Options {
    std::vector<kube::Resource> kinds;
    std::string name_space = {};  // empty: all, and what belongs to the whole cluster
    kube::Pace pace = {};
  };
  using ObjectChange = ClusterWatches::ObjectChange;

  // Watches from now on. `client` outlives it.
  VaultObjectWatches(kube::Client& client, const Options& options);
  ~VaultObjectWatches();  // ends all at the same time
  VaultObjectWatches(const VaultObjectWatches&) = delete;
  VaultObjectWatches& operator=(const VaultObjectWatches&) = delete;

  // ---- Any thread.

  // Until all kinds have been complete once, or this time is over. Blocking.
  void wait_until_known(std::chrono::milliseconds patience, const std::stop_token& stop);
  // Until something has changed; false: `stop` was asked for. Blocking.
  [[nodiscard]] bool wait(const std::stop_token& stop);
  [[nodiscard]] std::vector<ObjectChange> take();  // each object once
  [[nodiscard]] std::vector<WatchedKind> states() const;

 private:
  struct Feed;

  std::mutex mutex_;  // guards the next
  bool news_ = false;
  std::condition_variable_any changed_;
  std::vector<std::unique_ptr<Feed>> feeds_;
};

}  // namespace app
