#include "app/local_leaf.h"

#include <algorithm>
#include <utility>

#include "base/keep_running.h"
#include "base/log.h"

namespace app {
namespace {

constexpr std::chrono::hours longest_wait{1};

}  // namespace

LocalLeaf::LocalLeaf(certstore::LocalCa ca, std::vector<std::string> names, std::chrono::hours lifetime)
    : ca_(std::move(ca)), names_(std::move(names)), lifetime_(lifetime) {}

void LocalLeaf::start(certstore::Report report) {
  report_ = std::move(report);
  due_ = std::chrono::system_clock::now() + issue();
  thread_ = std::jthread([this](const std::stop_token& stop) {
    base::keep_running("certificate of the local CA", stop, [&] { run(stop); });
  });
}

void LocalLeaf::run(const std::stop_token& stop) {
  using std::chrono::system_clock;
  std::unique_lock lock(mutex_);
  while (!stop.stop_requested()) {
    // A laptop sleeps and its steady clock with it: looking every hour at the latest is near enough.
    const system_clock::duration wait = std::min<system_clock::duration>(due_ - system_clock::now(), longest_wait);
    stopped_.wait_for(lock, stop, wait, [] { return false; });
    if (stop.stop_requested() || system_clock::now() < due_) continue;
    due_ = system_clock::now() + issue();
  }
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
