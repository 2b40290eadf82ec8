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
#include "proxy/address_guard.h"
#include "proxy/backend_states.h"
#include "proxy/backend_table.h"
#include "proxy/resolver.h"
#include "proxy/tls_upstream.h"

namespace proxy {

class BackendMonitor {
 public:
  using Publish = std::function<void(std::shared_ptr<const BackendTable>)>;

  using Shared = std::map<std::string, std::shared_ptr<const config::Backend>>;

  // `publish` runs on the monitor's thread, one call at a time; it must only hand over. `resolver`: asks other name
  // servers than the system's. `guard`: where backends that strangers have named must not lead. `affinity_secret`: what
  // cookies lead back to endpoints by, where their configuration has no key.
  explicit BackendMonitor(Publish publish, Resolver::Options resolver = {}, AddressGuard guard = {},
                          std::string affinity_secret = {});
  ~BackendMonitor();  // stops and joins
  BackendMonitor(const BackendMonitor&) = delete;
  BackendMonitor& operator=(const BackendMonitor&) = delete;

  // From now on these backends. Loads trust stores and client certificates (an error refuses all and changes nothing),
  // resolves names for at most `patience`, then publishes. An endpoint that was there before keeps its state.
  // `guarded`: named by strangers; one of `backends` hides one of the same name. Blocking; one call at a time.
  [[nodiscard]] base::Result<void> configure(const std::map<std::string, config::Backend>& backends,
                                             const Shared& guarded = {},
                                             std::chrono::milliseconds patience = std::chrono::milliseconds(2000));
  // These guarded backends from now on; null: it is there no more. The others stay as they are, and cost nothing. The
  // answer names those that cannot be spoken to, which are left as they were. Trust that is in use is not read again.
  // Resolves new names for at most `patience`. Blocking; one call at a time.
  [[nodiscard]] std::vector<base::Error> change(const Shared& guarded,
                                                std::chrono::milliseconds patience = std::chrono::milliseconds(500));
  // What was published last; empty before the first configure(). Any thread.
  [[nodiscard]] std::shared_ptr<const BackendTable> table() const;

 private:
  class Loop;
  [[nodiscard]] base::Result<ConfiguredBackend> load(const std::string& name,
                                                     std::shared_ptr<const config::Backend> backend);

  UpstreamTlsMaterials materials_;
  std::unique_ptr<Loop> loop_;
};

}  // namespace proxy
