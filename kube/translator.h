// Translator: from the objects of a cluster to routes, backends and certificates. Holds the state, takes objects in any
// order, and says what changed; a change costs what depends on the object that changed, however many others there are.
// No network, no clock. One thread.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/backend_book.h"
#include "kube/certificate_book.h"
#include "kube/changes.h"
#include "kube/class_rules.h"
#include "kube/host_book.h"
#include "kube/host_report.h"
#include "kube/judgement.h"
#include "kube/key_vault_book.h"
#include "kube/notice_board.h"
#include "kube/secret_book.h"

namespace kube {

class Translator {
 public:
  struct DefaultBackend {
    ObjectName service;
    ServicePortRef port;
  };
  struct Options {
    ClassRules::Options classes;
    std::optional<DefaultBackend> default_backend;  // for what no Ingress wants; none: 404
    std::optional<IssuerRef> default_issuer;        // for kubernetes.io/tls-acme
  };

  explicit Translator(Options options);

  // An object as it is now, as a list or a watch gave it; only what it says of Ingresses is looked at. Of an object
  // that cannot be read the last good state is kept, and a Notice says what is wrong with it. Kinds: Ingress,
  // IngressClass, Service, EndpointSlice, Secret, and those of KeyVaultBook; others are left alone. The content is the
  // matter of whoever may write the object.
  void upsert(const Resource& resource, const nlohmann::json& object);
  void remove(const Resource& resource, const ObjectName& name);

  // What differs since the last call; the first one gives everything. To be called after the first lists of all kinds
  // are in, or what has not arrived yet will be missed in Notices and routes. Cheap if nothing changed.
  [[nodiscard]] Changes take();

  // Certificates that are in vaults instead of Secrets: what the calls of take() have found since it was last asked.
  [[nodiscard]] VaultChanges take_vaults() { return secrets_.take_vaults(); }

  // ---- all that holds now, as of the last take(); costs all that is there
  [[nodiscard]] std::vector<config::Route> routes() const { return hosts_.routes(); }
  [[nodiscard]] std::vector<Notice> notices() const { return notices_.all(); }
  // Also Ingresses that are served elsewhere. `host`: canonical.
  [[nodiscard]] HostReport report(const std::string& host) const;
  // What would become of an Ingress that is about to be written. Changes nothing.
  [[nodiscard]] Judgement judge(const nlohmann::json& ingress) const;
  // Secrets that are needed, there or not: for a client that reads each by its name.
  [[nodiscard]] std::vector<ObjectName> wanted_secrets() const { return secrets_.wanted(); }

  [[nodiscard]] const std::shared_ptr<const config::Backend>* backend(const std::string& key) const {
    return backends_.find(key);
  }
  // How many notices there are of each reason, for a metric.
  [[nodiscard]] const std::map<std::string, std::size_t>& notices_by_reason() const noexcept {
    return notices_.by_reason();
  }
  [[nodiscard]] const Work& work() const noexcept { return work_; }

 private:
  struct Entry {
    std::optional<Ingress> ingress;  // the last good one
    std::string class_name;
    PlanPtr plan;  // null: not ours
  };

  void upsert_ingress(const nlohmann::json& object);
  void remove_ingress(const ObjectName& name);
  void upsert_class(const nlohmann::json& object);
  void touch_class(const std::string& name);
  void plan(const ObjectName& name, Changes& changes);
  void replace(Entry& entry, PlanPtr next);
  [[nodiscard]] bool could_be_ours(const nlohmann::json& object) const;
  void refuse_ingress(const nlohmann::json& object, const ObjectFaults& faults);
  void refuse(const Resource& resource, const nlohmann::json& object, const ObjectFaults& faults);

  std::optional<IssuerRef> default_issuer_;
  ClassRules classes_;
  BackendBook backends_;
  HostBook hosts_;
  SecretBook secrets_;
  KeyVaultBook vaults_;
  CertificateBook certificates_;
  NoticeBoard notices_;
  Work work_;
  std::map<ObjectName, Entry> ingresses_;
  std::map<std::string, std::set<ObjectName>> ingresses_of_class_;  // by what they name; "": nothing
  std::set<ObjectName> touched_;
};

}  // namespace kube
