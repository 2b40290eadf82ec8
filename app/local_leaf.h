// LocalLeaf: a certificate source that asks the local CA, and asks again long before the leaf expires.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "certstore/local_ca.h"
#include "certstore/source.h"

namespace app {

class LocalLeaf final : public certstore::Source {
 public:
  // `names`: what the leaf is for. A new leaf of `lifetime` is issued when two thirds of it are over.
  LocalLeaf(certstore::LocalCa ca, std::vector<std::string> names,
            std::chrono::hours lifetime = std::chrono::hours(24 * 30));

  [[nodiscard]] std::string name() const override { return "local CA"; }
  void start(certstore::Report report) override;

 private:
  // How long what was reported is good for.
  std::chrono::seconds issue();
  void run(const std::stop_token& stop);

  certstore::LocalCa ca_;
  std::vector<std::string> names_;
  std::chrono::hours lifetime_;
  certstore::Report report_;
  std::chrono::system_clock::time_point due_;  // of the next; of the thread, once it runs
  std::mutex mutex_;
  std::condition_variable_any stopped_;
  std::jthread thread_;  // last: it uses the rest
};

}  // namespace app
