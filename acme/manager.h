// Manager: gets every certificate that the configuration asks for, and renews it for ever. The loop; what it decides by
// is in renewal.h, failure_memory.h and ledger.h, what it does in obtain.h and local_issuer.h.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "acme/challenge_table.h"
#include "acme/dns_provider.h"
#include "acme/lock.h"
#include "acme/managed_certificate.h"
#include "acme/preflight.h"
#include "acme/storage.h"
#include "base/clock.h"
#include "certstore/local_ca.h"
#include "certstore/source.h"
#include "config/issuers.h"

namespace acme {

// Numbers that only grow. Labels come from fixed lists.
struct ManagerCounters {
  using By = std::map<std::string, std::uint64_t>;
  By orders;      // by outcome: "issued", "failed", "held back"
  By challenges;  // by type and outcome: "http-01 valid"
  By renewals;    // by outcome: "issued", "failed"
  By problems;    // failures by problem type; "none": not the CA's
  By requests;    // by operation and status: "newOrder 201"
  std::uint64_t preflight_failures = 0;
  std::uint64_t on_demand_asked = 0, on_demand_refused = 0;
};

class Manager final : public certstore::Source {
 public:
  struct Options {
    Storage& storage;
    Locks& locks;
    ChallengeTable& challenges;
    const base::Clock& clock;
    // A certificate of another source that is good for all these names now, with that source's name; null: none. What
    // it holds is not ordered.
    std::function<std::pair<certstore::CertificatePtr, std::string>(const std::vector<std::string>&)> elsewhere = {};
    // For what the names show before the first certificate is there. Null: they show nothing.
    std::function<base::Result<certstore::CertificatePtr>(const std::vector<std::string>&)> interim = {};
    // Names that must show nothing before their certificate is there (UntilIssued::refuse); the whole set at each
    // change.
    std::function<void(std::vector<std::string>)> withhold = {};
    Preflight::Options preflight = {};
    AzureZones azure_zones = {};  // where an issuer names such a zone; empty: it cannot be issued by
    unsigned concurrent_orders = 8;
  };

  explicit Manager(Options options);
  ~Manager() override;  // ends what is under way at its next step, and joins; orders are gone on with at the next start

  // Source.
  [[nodiscard]] std::string name() const override { return "issuers"; }
  // Reports what storage holds, and begins.
  void start(certstore::Report report) override;

  // From now on these. A certificate that is there already goes on undisturbed if its names, key and issuer are the
  // same. Any thread; does not wait for an issuer.
  void configure(std::vector<config::IssuedCertificate> certificates, std::map<std::string, config::Issuer> issuers);

  // Any thread.
  [[nodiscard]] std::vector<ManagedCertificate> status() const;
  [[nodiscard]] ManagerCounters counters() const;
  // Now, whatever the plan; also forgets the failures. not_found: no certificate of that name.
  [[nodiscard]] base::Result<void> renew(const std::string& name);
  // A name that a client asked for and nobody has. Bounded and cheap; decides later whether it is allowed.
  void asked_for(const std::string& server_name);
  // Looks again at what other sources hold. Cheap; called when the store has changed.
  void look_again();
  // Another process wrote to storage: the record that changed ("www.example.com.ecdsa"), or empty for any.
  void storage_changed(const std::string& record);

  // For commands, blocking while the CA answers, or until `stop`. not_found: no such name or issuer.
  [[nodiscard]] base::Result<void> revoke(const std::string& name, std::optional<unsigned> reason,
                                          std::stop_token stop);
  [[nodiscard]] base::Result<void> roll_account_key_over(const std::string& issuer, std::stop_token stop);
  [[nodiscard]] base::Result<void> deactivate_account(const std::string& issuer, std::stop_token stop);
  // For `doctor`: a look at everything that the CA is going to look at.
  [[nodiscard]] std::vector<Finding> examine(std::stop_token stop);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace acme
