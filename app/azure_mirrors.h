// AzureMirrors: the mirrors that the configuration names, and which certificates go to each.
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "app/azure_side.h"
#include "app/mirror_view.h"
#include "app/observation.h"
#include "azure/mirror_loop.h"
#include "base/clock.h"
#include "config/config.h"

namespace app {

class AzureMirrors {
 public:
  // `side` outlives it.
  AzureMirrors(AzureSide& side, const base::Clock& clock) : side_(side), clock_(clock) {}

  // From now on exactly these; one that is there already goes on undisturbed. One thread at a time.
  void apply(const std::vector<config::Mirror>& wanted);
  [[nodiscard]] bool any() const;
  // What is served now, and whether this replica is the one that writes. Does not wait. Any thread.
  void look(const Observation& seen);
  [[nodiscard]] std::vector<MirrorView> views() const;  // any thread

 private:
  struct Running {
    config::Mirror config;
    std::unique_ptr<azure::MirrorLoop> loop;
  };
  [[nodiscard]] std::unique_ptr<azure::Mirror> make(const config::Mirror& mirror);

  AzureSide& side_;
  const base::Clock& clock_;
  mutable std::mutex mutex_;  // guards running_
  std::vector<Running> running_;
};

}  // namespace app
