#include "app/cluster_watches.h"

#include <algorithm>
#include <atomic>
#include <functional>
#include <utility>

#include "kube/secret.h"
#include "kube/wipe_data.h"

namespace app {
namespace {

// Releases of Helm and tokens are most of what is stored in Secrets, and hold no certificate.
constexpr auto secrets_with_certificates = "type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token";

}  // namespace

// One kind.
class ClusterWatches::Feed final : private kube::WatchHandler {
 public:
  Feed(ClusterWatches& owner, kube::Client& client, const kube::ListWatch::Options& options)
      : owner_(owner), resource_(options.resource), watch_(client, options, *this) {}

  void start() { watch_.start(); }
  void request_stop() { watch_.request_stop(); }
  [[nodiscard]] bool complete() const { return complete_; }
  [[nodiscard]] WatchedKind state() const { return {std::string(resource_.plural), watch_.state()}; }

 private:
  void replaced(std::vector<nlohmann::json> objects) override {
    for (nlohmann::json& object : objects) changed(std::move(object));
  }
  void changed(nlohmann::json object) override {
    kube::ObjectName name = kube::name_of(object);
    owner_.put({resource_, std::move(name), std::move(object)});
  }
  void deleted(const kube::ObjectName& name) override { owner_.put({resource_, name, std::nullopt}); }
  void synced() override {
    complete_ = true;
    owner_.synced();
  }

  ClusterWatches& owner_;
  kube::Resource resource_;
  std::atomic<bool> complete_{false};
  kube::ListWatch watch_;
};

ClusterWatches::ClusterWatches(kube::Client& client, Options options) {
  const auto add = [&](const kube::Resource& resource, const char* fields = "",
                       std::function<void(nlohmann::json&)> trim = {}) {
    feeds_.push_back(std::make_unique<Feed>(
        *this, client,
        kube::ListWatch::Options{.resource = resource,
                                 .selection = {.name_space = options.name_space, .fields = fields},
                                 .trim = std::move(trim),
                                 .pace = options.pace}));
  };
  // IngressClasses belong to the whole cluster, where whoever has one namespace may read nothing.
  if (options.name_space.empty()) add(kube::resources::ingress_classes);
  add(kube::resources::ingresses);
  add(kube::resources::services);
  add(kube::resources::endpoint_slices);
  add(kube::resources::secrets, secrets_with_certificates, kube::keep_certificate);
}

ClusterWatches::~ClusterWatches() {
  for (const auto& feed : feeds_) feed->request_stop();
  feeds_.clear();
}

void ClusterWatches::start() {
  for (const auto& feed : feeds_) feed->start();
}

void ClusterWatches::put(ObjectChange change) {
  {
    const std::lock_guard lock(mutex_);
    const Key key{change.resource.plural, change.name};
    if (const auto before = waiting_.find(key); before != waiting_.end() && before->second.object) {
      kube::wipe_data(*before->second.object);  // of a Secret: its key. Nothing else has `data` that anybody misses
    }
    waiting_.insert_or_assign(key, std::move(change));
    news_ = true;
  }
  changed_.notify_one();
}

void ClusterWatches::synced() {
  {
    const std::lock_guard lock(mutex_);
    news_ = true;
  }
  changed_.notify_one();
}

bool ClusterWatches::wait(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  return changed_.wait(lock, stop, [this] { return news_; });
}

ClusterWatches::Batch ClusterWatches::take() {
  std::map<Key, ObjectChange> waiting;
  Batch batch;
  {
    const std::lock_guard lock(mutex_);
    waiting = std::exchange(waiting_, {});
    news_ = false;
    batch.synced = std::ranges::all_of(feeds_, &Feed::complete);
  }
  batch.changes.reserve(waiting.size());
  for (auto& [key, change] : waiting) batch.changes.push_back(std::move(change));
  return batch;
}

std::vector<WatchedKind> ClusterWatches::states() const {
  std::vector<WatchedKind> states;
  for (const auto& feed : feeds_) states.push_back(feed->state());
  return states;
}

}  // namespace app
