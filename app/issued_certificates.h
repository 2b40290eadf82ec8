// IssuedCertificates: ACME and its relatives on a plain host: their records in the state directory, shared with
// whatever other process runs on it.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "acme/challenge_table.h"
#include "acme/lock.h"
#include "acme/manager.h"
#include "acme/storage.h"
#include "base/clock.h"
#include "certstore/challenges.h"
#include "certstore/local_ca.h"
#include "certstore/store.h"
#include "config/config.h"
#include "config/watch.h"

namespace app {

class IssuedCertificates {
 public:
  struct Options {
    std::filesystem::path state_directory;
    const base::Clock& clock;
    certstore::Store& store;
    // Hands challenges over to the workers. Any thread.
    std::function<void(std::shared_ptr<const certstore::Challenges>)> publish_challenges;
    // Hands over the names that must show nothing yet; the whole set at each change. Any thread.
    std::function<void(const std::vector<std::string>&)> withhold = {};
    // Returns when the workers answer from what was handed over. Any thread but the one that calls apply(). Blocking.
    std::function<void()> wait_until_taken;
    acme::AzureZones azure_zones = {};
  };

  explicit IssuedCertificates(Options options);
  ~IssuedCertificates();
  IssuedCertificates(const IssuedCertificates&) = delete;
  IssuedCertificates& operator=(const IssuedCertificates&) = delete;

  // From now on what this configuration asks for; what storage holds of it is served when this returns. With nothing to
  // issue no thread runs and no folder is made. One thread at a time.
  void apply(const config::Config& config);

  // Null as long as nothing is to be issued. Any thread; lives until the destructor.
  [[nodiscard]] acme::Manager* manager() const;

 private:
  struct Running;
  void begin();
  [[nodiscard]] std::pair<certstore::CertificatePtr, std::string> elsewhere(
      const std::vector<std::string>& hosts) const;
  [[nodiscard]] base::Result<certstore::CertificatePtr> interim(const std::vector<std::string>& hosts);

  Options options_;
  std::mutex ca_mutex_;
  std::optional<certstore::LocalCa> local_ca_;
  mutable std::mutex mutex_;          // guards manager_
  acme::Manager* manager_ = nullptr;  // of running_
  std::unique_ptr<Running> running_;
};

}  // namespace app
