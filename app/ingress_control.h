// IngressControl: follows a cluster and makes the gateway serve what its Ingresses ask for. Owns the translator; one
// thread of its own.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "app/cluster_duties.h"
#include "app/cluster_view.h"
#include "app/cluster_watches.h"
#include "app/gateway.h"
#include "app/vault_object_watches.h"
#include "kube/client.h"
#include "kube/secret_source.h"
#include "kube/translator.h"

namespace app {

class IngressControl {
 public:
  struct Options {
    kube::Client& client;
    kube::Translator::Options translation;
    ClusterWatches::Options watches;
    std::optional<kube::ObjectName> publish_service;  // whose addresses the status of Ingresses has
    ClusterDuties& duties;
    kube::SecretSource& secrets;  // of the gateway
    // Those who want to know of changes besides, one call at a time, on threads of this object.
    std::vector<std::function<void(const kube::Changes&)>> receivers = {};
    // Kinds of objects that name what is in a vault; empty: none is looked at.
    std::vector<kube::Resource> vault_kinds = {};
    std::function<void(const kube::VaultChanges&)> vaults = {};
    // The addresses cannot be listened to.
    std::function<void(const base::Error&)> failed;
  };

  // Follows until it is destroyed. `gateway`, and what the options name, outlive it.
  IngressControl(Gateway& gateway, Options options);
  ~IngressControl();
  IngressControl(const IngressControl&) = delete;
  IngressControl& operator=(const IngressControl&) = delete;

  // ---- Any thread.

  void describe(ClusterView& view) const;
  // All has been read once, and is served.
  [[nodiscard]] bool synced() const noexcept { return synced_; }
  // What all Ingresses say of a host. Holds the translation up for about a millisecond where there are thousands.
  [[nodiscard]] kube::HostReport report(const std::string& host) const;
  // What would become of an Ingress that is about to be written; its content is attacker controlled.
  [[nodiscard]] kube::Judgement judge(const nlohmann::json& ingress) const;

 private:
  void run(const std::stop_token& stop);
  void run_vault_objects(const std::stop_token& stop);
  void see_vault_objects();
  // Whether every kind is complete.
  bool collect();
  void see(ClusterWatches::ObjectChange& change);
  void look_at(const ClusterWatches::ObjectChange& change);
  void apply();

  Gateway& gateway_;
  Options options_;
  mutable std::mutex translating_;  // guards the translator, which only this object's thread changes
  kube::Translator translator_;
  ClusterWatches watches_;
  std::unique_ptr<VaultObjectWatches> vault_watches_;  // null: none is looked at
  std::mutex applying_;                                // by one of the threads at a time
  std::atomic<bool> synced_{false};
  std::jthread thread_;
  std::jthread vault_thread_;  // begun by the other
};

}  // namespace app
