#include "app/ingress_control.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <iterator>
#include <string_view>
#include <utility>

#include "base/keep_running.h"
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
constexpr std::chrono::seconds patience_with_vault_objects{5};

bool is(const kube::Resource& resource, const kube::Resource& other) {
  return resource.plural == other.plural && resource.group == other.group;
}

// One object that nobody can deal with, or one receiver that cannot take a change, keeps nothing from the others.
void tolerate(std::string_view what, const std::function<void()>& work) {
  static_cast<void>(base::attempt(what, work));
}

}  // namespace

IngressControl::IngressControl(Gateway& gateway, Options options)
    : gateway_(gateway),
      options_(std::move(options)),
      translator_(options_.translation),
      watches_(options_.client, options_.watches) {
  if (!options_.vault_kinds.empty()) {
    vault_watches_ = std::make_unique<VaultObjectWatches>(
        options_.client,
        VaultObjectWatches::Options{.kinds = options_.vault_kinds, .name_space = options_.watches.name_space});
  }
  thread_ = std::jthread([this](const std::stop_token& stop) {
    watches_.start();
    base::keep_running("translation of the cluster", stop, [&] { run(stop); });
  });
}

// The second thread is begun by the first, which is to have ended before.
IngressControl::~IngressControl() {
  thread_ = {};
  vault_thread_ = {};
}

void IngressControl::run(const std::stop_token& stop) {
  auto pause = shortest_pause;
  while (watches_.wait(stop)) {
    if (synced_ && !base::wait_for(pause, stop)) return;
    const bool complete = collect();
    // Before everything is known, most of what could be said would be wrong.
    if (!complete) continue;
    if (!synced_ && vault_watches_) {
      // What is served does not wait longer for kinds that may not be read.
      vault_watches_->wait_until_known(patience_with_vault_objects, stop);
      see_vault_objects();
    }
    const auto begun = Steady::now();
    apply();
    const auto cost = std::chrono::duration_cast<std::chrono::milliseconds>(Steady::now() - begun);
    pause = std::clamp(2 * cost, shortest_pause, longest_pause);
    if (vault_watches_ && !vault_thread_.joinable()) {
      vault_thread_ = std::jthread([this](const std::stop_token& ending) {
        base::keep_running("objects that name vaults", ending, [&] { run_vault_objects(ending); });
      });
    }
  }
}

void IngressControl::run_vault_objects(const std::stop_token& stop) {
  while (vault_watches_->wait(stop)) {
    if (!base::wait_for(longest_pause, stop)) return;
    see_vault_objects();
    apply();
  }
}

void IngressControl::see_vault_objects() {
  const auto changes = vault_watches_->take();
  const std::lock_guard lock(translating_);
  for (const auto& change : changes) {
    tolerate("an object that names vaults", [&] {
      if (change.object) {
        translator_.upsert(change.resource, *change.object);
      } else {
        translator_.remove(change.resource, change.name);
      }
    });
  }
}

bool IngressControl::collect() {
  ClusterWatches::Batch batch = watches_.take();
  const std::lock_guard lock(translating_);
  for (ClusterWatches::ObjectChange& change : batch.changes) tolerate("an object of the cluster", [&] { see(change); });
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
  const std::lock_guard applying(applying_);
  kube::VaultChanges vaults;
  kube::Changes changes = [&] {
    const std::lock_guard lock(translating_);
    kube::Changes found = translator_.take();
    vaults = translator_.take_vaults();
    return found;
  }();
  // The backends of new routes have to be there with them, and certificates before anybody is sent to them.
  bool taken = base::attempt("Secrets of the cluster", [&] { options_.secrets.take(changes); });
  taken &= base::attempt("routes of the cluster", [&] {
    for (const base::Error& error : gateway_.change_traffic({changes.hosts, changes.backends})) {
      base::log::error("a backend is left as it was", {{"reason", error.what}});
    }
  });
  tolerate("duties in the cluster", [&] { options_.duties.take(changes); });
  tolerate("mirrors of Secrets", [&] { options_.duties.mirrors().complete(); });
  if (options_.vaults) tolerate("vaults that objects name", [&] { options_.vaults(vaults); });
  for (const auto& receiver : options_.receivers) tolerate("a receiver of changes", [&] { receiver(changes); });
  if (synced_) return;
  if (!taken) {
    // Nobody is sent here for what is not served: a new process reads it all once more.
    options_.failed({base::Code::internal, "what the cluster says could not be taken, see the log"});
    return;
  }
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
  if (vault_watches_) std::ranges::move(vault_watches_->states(), std::back_inserter(view.watches));
}

}  // namespace app
