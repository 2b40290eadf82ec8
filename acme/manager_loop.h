// Manager::Loop: the units, the threads that work on them, and what they tell the store. Private to acme/manager.
#pragma once

#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "acme/accounts.h"
#include "acme/clients.h"
#include "acme/issuing.h"
#include "acme/manager.h"
#include "acme/on_demand.h"
#include "acme/refused_names.h"
#include "acme/revocations.h"
#include "acme/unit.h"

namespace acme {

class Manager::Loop {
 public:
  explicit Loop(Options options);
  ~Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  void start(certstore::Report report);
  void configure(std::vector<config::IssuedCertificate> certificates, std::map<std::string, config::Issuer> issuers);
  [[nodiscard]] std::vector<ManagedCertificate> status() const;
  [[nodiscard]] ManagerCounters counters() const;
  base::Result<void> renew(const std::string& name);
  void asked_for(const std::string& server_name);
  void look_again();
  void storage_changed(const std::string& record);
  base::Result<void> revoke(const std::string& name, std::optional<unsigned> reason, std::stop_token stop);
  base::Result<void> roll_account_key_over(const std::string& issuer, std::stop_token stop);
  base::Result<void> deactivate_account(const std::string& issuer, std::stop_token stop);
  std::vector<Finding> examine(std::stop_token stop);

 private:
  using UnitPtr = std::shared_ptr<Unit>;
  using IssuersPtr = std::shared_ptr<const Issuers>;

  // ---- manager_loop.cc: what there is, and who works on what.
  void run(const std::stop_token& stop);
  UnitPtr take_due(base::SystemTime now);
  [[nodiscard]] static std::string_view group_of(const Unit& unit);
  [[nodiscard]] std::set<std::string_view> served_enough() const;
  [[nodiscard]] std::chrono::milliseconds until_next(base::SystemTime now) const;
  // `admitted`: on demand, and since when.
  UnitPtr make_unit(const Target& target, std::optional<base::SystemTime> admitted) const;
  void notice_new_certificates();  // with the mutex
  void wake();
  void look_at(Unit& unit, base::SystemTime when);
  void distrust_plans(base::SystemTime now);
  // Tells the store of these, and of records that are no longer there.
  void tell(const std::vector<UnitPtr>& changed, const std::vector<std::string>& gone);
  [[nodiscard]] std::vector<UnitPtr> units_of(const std::string& name) const;
  [[nodiscard]] base::Result<config::AcmeIssuer> acme_issuer(const std::string& name) const;
  [[nodiscard]] double random();
  void count(ManagerCounters::By ManagerCounters::* what, const std::string& label);

  // ---- manager_sweep.cc
  void sweep(const std::stop_token& stop);
  void sweep_dns(const std::stop_token& stop);

  // ---- manager_revocation.cc
  struct ToRevoke {
    UnitPtr unit;
    certstore::CertificatePtr certificate;
    PlannedRevocation planned;
  };
  [[nodiscard]] base::Result<std::optional<ToRevoke>> to_revoke(const UnitPtr& unit,
                                                                std::optional<unsigned> reason) const;
  base::Result<void> write_down(const ToRevoke& one);
  void replace(Unit& unit);
  void finish_revocations(const std::stop_token& stop);
  [[nodiscard]] bool is_replaced(const PlannedRevocation& planned) const;
  base::Result<void> tell_ca(const PlannedRevocation& planned, const std::stop_token& stop);
  void take_off_shelf(const PlannedRevocation& planned, const std::stop_token& stop);

  // ---- manager_commands.cc
  struct LookedAt {
    std::optional<Directory> directory;  // nothing: it does not answer
    std::string account_url;
  };
  [[nodiscard]] LookedAt look_at_ca(const std::string& issuer, const config::AcmeIssuer& acme,
                                    std::vector<Finding>& findings, const std::stop_token& stop);

  // ---- manager_on_demand.cc
  void admit_asked(const std::stop_token& stop);
  void admit(const std::string& name, const std::stop_token& stop);
  base::Result<void> admit(const std::string& name, const config::IssuedCertificate& from, const std::stop_token& stop);
  [[nodiscard]] std::string oldest_without_certificate() const;  // with the mutex; empty: there is none
  void forget_on_demand(const std::string& name);

  // ---- manager_work.cc: one unit, now. Called without the mutex, by the thread that made the unit busy.
  void work_on(const UnitPtr& unit);
  void refresh(const UnitPtr& unit);
  bool rest_until_due(const UnitPtr& unit, Ledger::Kind& kind);
  bool leave_to_others(const UnitPtr& unit);
  bool wait_after_failure(const UnitPtr& unit);
  void poll_window(const UnitPtr& unit);
  void issue(const UnitPtr& unit, Ledger::Kind kind);
  Attempt attempt(const UnitPtr& unit, Ledger::Kind kind);
  void succeeded(const UnitPtr& unit, StoredCertificate stored);
  void did_not(const UnitPtr& unit, const NotIssued& reason);
  // For the names that nobody has a certificate for; null: none is wanted, or the one there is good.
  [[nodiscard]] certstore::CertificatePtr interim_for(const Unit& unit,
                                                      const std::optional<StoredCertificate>& stored) const;
  [[nodiscard]] bool is_ours(const Target& target, const std::optional<StoredCertificate>& stored) const;

  Options options_;
  CertificateShelf shelf_;
  Revocations revocations_;
  Accounts accounts_;
  Clients clients_;
  Issuing issuing_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  std::uint64_t wakes_ = 0;
  std::vector<config::IssuedCertificate> on_demand_;
  std::map<std::string, std::unique_ptr<OnDemandGate>> gates_;  // by the name in the configuration; used by one thread
  IssuersPtr issuers_ = std::make_shared<const Issuers>();
  std::map<std::string, UnitPtr> units_;  // by record
  base::SystemTime latest_{};             // the latest time that was seen
  std::deque<std::string> asked_;
  std::set<std::string> asked_waiting_;
  RefusedNames refused_;
  bool revocations_due_ = false;
  std::map<std::string, base::SteadyTime> not_revoked_before_;  // by fingerprint; of the thread that sweeps
  ManagerCounters counters_;
  std::mt19937_64 generator_{std::random_device{}()};

  std::mutex report_mutex_;  // one report at a time; taken before mutex_
  certstore::Report report_;
  std::vector<std::string> withheld_;  // in order; guarded by report_mutex_

  std::vector<std::jthread> threads_;  // last: they use the rest
};

}  // namespace acme
