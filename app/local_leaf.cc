#include "app/local_leaf.h"

#include <algorithm>
#include <utility>

#include "base/log.h"

namespace app {

LocalLeaf::LocalLeaf(certstore::LocalCa ca, std::vector<std::string> names, std::chrono::hours lifetime)
    : ca_(std::move(ca)), names_(std::move(names)), lifetime_(lifetime) {}

void LocalLeaf::start(certstore::Report report) {
  report_ = std::move(report);
  const std::chrono::seconds wait = issue();
  thread_ = std::jthread([this, wait](const std::stop_token& stop) {
    std::chrono::seconds next = wait;
    std::unique_lock lock(mutex_);
    // A laptop sleeps and its steady clock with it: looking every hour at the latest is near enough.
    auto due = std::chrono::system_clock::now() + next;
    while (!stop.stop_requested()) {
      stopped_.wait_for(lock, stop, std::min<std::chrono::seconds>(next, std::chrono::hours(1)), [] { return false; });
      if (stop.stop_requested() || std::chrono::system_clock::now() < due) continue;
      next = issue();
      due = std::chrono::system_clock::now() + next;
    }
  });
}

std::chrono::seconds LocalLeaf::issue() {
  std::vector<certstore::Candidate> candidates;
  candidates.push_back({.id = "local CA:" + names_.front(),
                        .certificate = ca_.issue(names_, lifetime_),
                        .file_path = {},
                        .is_default = true});
  const bool issued = candidates.front().certificate.has_value();
  if (!issued)
    base::log::warning("the local CA cannot issue", {{"error", candidates.front().certificate.error().what}});
  report_(std::move(candidates));
  return issued ? std::chrono::seconds(lifetime_) * 2 / 3 : std::chrono::minutes(1);
}

}  // namespace app
