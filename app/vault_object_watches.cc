#include "app/vault_object_watches.h"

#include <algorithm>
#include <utility>

#include "kube/key_vault_kinds.h"
#include "kube/list_watch.h"
#include "kube/object_inbox.h"

namespace app {

// One kind.
struct VaultObjectWatches::Feed {
  Feed(VaultObjectWatches& owner, kube::Client& client, const kube::ListWatch::Options& options)
      : resource(options.resource),
        inbox([&owner] {
          {
            const std::lock_guard lock(owner.mutex_);
            owner.news_ = true;
          }
          owner.changed_.notify_all();
        }),
        watch(client, options, inbox) {}

  kube::Resource resource;
  kube::ObjectInbox inbox;
  kube::ListWatch watch;
};

VaultObjectWatches::VaultObjectWatches(kube::Client& client, const Options& options) {
  for (const kube::Resource& kind : options.kinds) {
    if (kind.scope == kube::Resource::Scope::cluster && !options.name_space.empty()) continue;
    feeds_.push_back(std::make_unique<Feed>(*this, client,
                                            kube::ListWatch::Options{.resource = kind,
                                                                     .selection = {.name_space = options.name_space},
                                                                     .presence = kube::ListWatch::Presence::optional,
                                                                     .trim = kube::keep_spec,
                                                                     .pace = options.pace}));
  }
  for (const auto& feed : feeds_) feed->watch.start();
}

VaultObjectWatches::~VaultObjectWatches() {
  for (const auto& feed : feeds_) feed->watch.request_stop();
  feeds_.clear();
}

void VaultObjectWatches::wait_until_known(std::chrono::milliseconds patience, const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  (void)changed_.wait_for(lock, stop, patience, [this] {
    return std::ranges::all_of(feeds_, [](const auto& feed) { return std::as_const(feed->inbox).synced(); });
  });
}

bool VaultObjectWatches::wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return changed_.wait(lock, stop, [this] { return news_; });
}

std::vector<VaultObjectWatches::ObjectChange> VaultObjectWatches::take() {
  {
    const std::lock_guard lock(mutex_);
    news_ = false;
  }
  std::vector<ObjectChange> changes;
  for (const auto& feed : feeds_) {
    for (auto& [name, object] : feed->inbox.take()) changes.push_back({feed->resource, name, std::move(object)});
  }
  return changes;
}

std::vector<WatchedKind> VaultObjectWatches::states() const {
  std::vector<WatchedKind> states;
  for (const auto& feed : feeds_) states.push_back({std::string(feed->resource.plural), feed->watch.state()});
  return states;
}

}  // namespace app
