#include "app/ingress_control.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/wait.h"
#include "kube/wipe_data.h"

namespace app {
namespace {

using namespace std::chrono_literals;
using Steady = std::chrono::steady_clock;

// What changes within this time goes out together. It grows with what a change costs, so that a cluster that never
// stands still does not keep this thread busy for more than a third of the time.
constexpr std::chrono::milliseconds shortest_pause = 60ms;
constexpr std::chrono::milliseconds longest_pause = 1s;

bool is(const kube::Resource& resource, const kube::Resource& other) {
  return resource.plural == other.plural && resource.group == other.group;
}

}  // namespace

IngressControl::IngressControl(Gateway& gateway, Options options)
    : gateway_(gateway),
      options_(std::move(options)),
      translator_(options_.translation),
      watches_(options_.client, options_.watches),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

IngressControl::~IngressControl() = default;

void IngressControl::run(const std::stop_token& stop) {
  watches_.start();
  auto pause = shortest_pause;
  while (watches_.wait(stop)) {
    if (synced_ && !base::wait_for(pause, stop)) return;
    const bool complete = collect();
    // Before everything is known, most of what could be said would be wrong.
    if (!complete) continue;
    const auto begun = Steady::now();
    apply();
    const auto cost = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - begun);
    pause = std::clamp(2 * cost, shortest_pause, longest_pause);
  }
}

bool IngressControl::collect() {
  ClusterWatches::Batch batch = watches_.take();
  const std::lock_guard lock(translating_);
  for (ClusterWatches::ObjectChange& change : batch.changes) see(change);
  return batch.synced;
}

void IngressControl::see(ClusterWatches::ObjectChange& change) {
  look_at(change);
  if (!change.object) {
    translator_.remove(change.resource, change.name);
    return;
  }
  translator_.upsert(change.resource, *change.object);
  if (is(change.resource, kube::resources::secrets)) kube::wipe_data(*change.object);
}

// What the translator has no use for: status, and mirrors.
void IngressControl::look_at(const ClusterWatches::ObjectChange& change) {
  kube::StatusWriter& status = options_.duties.status();
  if (is(change.resource, kube::resources::ingresses)) {
    status.seen(change.name, change.object ? std::optional(kube::addresses_in(*change.object)) : std::nullopt);
  }
  if (is(change.resource, kube::resources::secrets)) {
    options_.duties.mirrors().seen(change.name, change.object ? &*change.object : nullptr);
  }
  if (is(change.resource, kube::resources::services) && change.name == options_.publish_service) {
    // One that is gone for a moment changes nothing.
    if (change.object) status.publish(kube::addresses_of_service(*change.object));
  }
}

void IngressControl::apply() {
  kube::Changes changes = [this] {
    const std::lock_guard lock(translating_);
    return translator_.take();
  }();
  // The backends of new routes have to be there with them, and certificates before anybody is sent to them.
  options_.secrets.take(changes);
  for (const base::Error& error : gateway_.change_traffic({changes.hosts, changes.backends})) {
    base::log::error("a backend is left as it was", {{"reason", error.what}});
  }
  options_.duties.take(changes);
  options_.duties.mirrors().complete();
  for (const auto& receiver : options_.receivers) receiver(changes);
  if (synced_) return;
  base::log::info("the cluster is known");
  if (auto listening = gateway_.listen(); !listening) {
    options_.failed(listening.error());
    return;
  }
  synced_ = true;
}

kube::HostReport IngressControl::report(const std::string& host) const {
  const std::lock_guard lock(translating_);
  return translator_.report(host);
}

kube::Judgement IngressControl::judge(const nlohmann::json& ingress) const {
  const std::lock_guard lock(translating_);
  return translator_.judge(ingress);
}

void IngressControl::describe(ClusterView& view) const {
  view.synced = synced_;
  view.watches = watches_.states();
}

}  // namespace app
