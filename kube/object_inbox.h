// ObjectInbox: the objects of one kind, kept for a thread that looks at them when it has time.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/list_watch.h"

namespace kube {

// Any thread.
class ObjectInbox final : public WatchHandler {
 public:
  // `ring` must be quick; called without a lock.
  explicit ObjectInbox(std::function<void()> ring) : ring_(std::move(ring)) {}

  // What has come since the last call, each object as it is now; none: it is gone.
  using News = std::map<ObjectName, std::optional<nlohmann::json>>;
  [[nodiscard]] News take();
  // All that there is has come in.
  [[nodiscard]] bool synced() const;

 private:
  void replaced(std::vector<nlohmann::json> objects) override;
  void changed(nlohmann::json object) override;
  void deleted(const ObjectName& name) override;
  void synced() override;

  std::function<void()> ring_;
  mutable std::mutex mutex_;
  News news_;
  bool synced_ = false;
};

}  // namespace kube
