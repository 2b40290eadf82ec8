// BackendMonitor: resolves backend names again when their TTL ends, checks endpoints actively, and publishes a new
// BackendTable whenever an answer changed. Control plane: one thread of its own.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "proxy/backend_table.h"
#include "proxy/resolver.h"

namespace proxy {

class BackendMonitor {
 public:
  using Publish = std::function<void(std::shared_ptr<const BackendTable>)>;

  // `publish` runs on the monitor's thread, one call at a time; it must only hand over.
  explicit BackendMonitor(Publish publish);
  BackendMonitor(Publish publish, Resolver::Options resolver);  // asks other name servers than the system's
  ~BackendMonitor();                                            // stops and joins
  BackendMonitor(const BackendMonitor&) = delete;
  BackendMonitor& operator=(const BackendMonitor&) = delete;

  // From now on these backends. Loads trust stores and client certificates (an error refuses all and changes nothing),
  // resolves names for at most `patience`, then publishes. An endpoint that was there before keeps its state. Blocking.
  [[nodiscard]] base::Result<void> configure(const std::map<std::string, config::Backend>& backends,
                                             std::chrono::milliseconds patience = std::chrono::milliseconds(2000));
  // These backends from now on; null: it is there no more. The others stay as they are, and cost nothing. The answer
  // names those that cannot be spoken to, which are left as they were. Resolves new names for at most `patience`.
  // Blocking.
  [[nodiscard]] std::vector<base::Error> change(
      const std::map<std::string, std::shared_ptr<const config::Backend>>& backends,
      std::chrono::milliseconds patience = std::chrono::milliseconds(500));
  // What was published last; empty before the first configure(). Any thread.
  [[nodiscard]] std::shared_ptr<const BackendTable> table() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace proxy
