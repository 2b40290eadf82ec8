// CertificateController: plays cert-manager: what Certificates and annotated Ingresses ask for is got by acme::Manager,
// written into Secrets, and told in status and Events. On one replica at a time.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "acme/challenge_table.h"
#include "acme/lock.h"
#include "acme/manager.h"
#include "acme/storage.h"
#include "kube/account_registrar.h"
#include "kube/cert_manager_watch.h"
#include "kube/certificate_desk.h"
#include "kube/certificate_storage.h"
#include "kube/client.h"
#include "kube/event_recorder.h"
#include "kube/issuer_book.h"
#include "kube/list_watch.h"
#include "kube/object_inbox.h"

namespace kube {

class CertificateController {
 public:
  using Wanted = CertificateDesk::Wanted;
  struct Options {
    Client& client;
    EventRecorder& events;
    acme::Storage& records;
    acme::Locks& locks;
    acme::ChallengeTable& challenges;
    IssuingRules rules;
    std::string name_space;                                                  // empty: all, and ClusterIssuers
    enum class Beside { stand_aside, ignore } beside = Beside::stand_aside;  // a cert-manager that is alive
    // All records of a folder at once; null: each is asked for.
    std::function<base::Result<std::map<std::string, std::string>>(const std::string& folder)> contents = {};
    // At the end: the records' calls end soon, whether or not the API answers. Null: they wait.
    std::function<void()> interrupt_records = {};
    // Whether this is the UID of an Ingress that is served here; null: none is known to be. Any thread.
    std::function<bool(const std::string& uid)> serves = {};
    acme::AzureZones azure_zones = {};
    Pace pace = {};
    std::chrono::milliseconds tick{1'000};  // how often the manager is asked how it does
  };

  // What the options name outlives it. Begins at once.
  explicit CertificateController(Options options);
  ~CertificateController();  // ends what is under way at its next step; an order is gone on with by who comes next
  CertificateController(const CertificateController&) = delete;
  CertificateController& operator=(const CertificateController&) = delete;

  // What all Ingresses ask for now. Any thread.
  void want(std::shared_ptr<const Wanted> wanted);
  // Any thread.
  [[nodiscard]] std::vector<acme::ManagedCertificate> status() const { return manager_.status(); }
  [[nodiscard]] acme::ManagerCounters counters() const { return manager_.counters(); }
  [[nodiscard]] acme::Manager& manager() noexcept { return manager_; }

 private:
  void run(const std::stop_token& stop);
  void pass(const std::stop_token& stop);
  void ring();
  [[nodiscard]] bool synced() const;

  Options options_;
  mutable std::mutex mutex_;  // guards the next four
  std::condition_variable_any rung_;
  bool news_ = false;
  std::set<ObjectName> written_;  // Certificates whose Secret was written
  std::shared_ptr<const Wanted> wanted_;

  CertificateStorage storage_;
  AccountRegistrar registrar_;
  IssuerBook issuers_;
  acme::Manager manager_;
  CertificateDesk desk_;
  CertManagerWatch cert_manager_;
  bool started_ = false;

  ObjectInbox issuer_news_, cluster_issuer_news_, certificate_news_, secret_news_;
  std::vector<std::unique_ptr<ListWatch>> watches_;
  std::jthread thread_;
};

}  // namespace kube
