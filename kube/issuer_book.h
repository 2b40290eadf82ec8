// IssuerBook: the issuers of a cluster with what their Secrets hold, whether they can be used, and their status. Reads
// and writes the API. One thread.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <set>
#include <stop_token>
#include <string>

#include "base/clock.h"
#include "kube/account_registrar.h"
#include "kube/certificate_plan.h"
#include "kube/client.h"
#include "kube/event_recorder.h"
#include "kube/issuer_object.h"
#include "kube/memory_files.h"
#include "kube/object_inbox.h"

namespace kube {

struct KnownIssuer {
  IssuerObject object;
  IssuerMaterials materials;
  std::string ca_pem;              // of a CA: what goes into ca.crt
  std::optional<Refusal> refusal;  // why it cannot be used
  std::string account_url;         // of ACME; empty: not registered yet
  bool aside = false;              // a cert-manager's: nothing of it is touched
};

class IssuerBook {
 public:
  struct Parts {
    Client& client;
    EventRecorder& events;
    AccountRegistrar& registrar;
    IssuingRules rules;
  };
  explicit IssuerBook(Parts parts) : parts_(std::move(parts)) {}

  void take(const Resource& resource, const ObjectInbox::News& news);
  // Whether what is not marked as sekisho's is left to a cert-manager.
  void stand_aside(bool aside);
  [[nodiscard]] bool stands_aside() const noexcept { return aside_; }
  // Reads Secrets where it is time: of what changed at once, of all others every minute. Then tells what is new.
  // Whether something that plans depend on has changed. Blocking.
  [[nodiscard]] bool look(const std::stop_token& stop);

  [[nodiscard]] const KnownIssuer* find(const std::string& key) const;

 private:
  struct Entry {
    KnownIssuer known;
    const Resource* resource = nullptr;
    std::optional<Refusal> unreadable;
    base::SteadyTime next{};
  };
  void look_at(Entry& entry, const std::stop_token& stop);
  [[nodiscard]] std::expected<void, Refusal> read_account(const IssuerObject& issuer, const AcmeIssuerSpec& acme,
                                                          KnownIssuer& into, const std::stop_token& stop);
  [[nodiscard]] std::expected<void, Refusal> read_ca(const IssuerObject& issuer, const CaIssuerSpec& ca,
                                                     KnownIssuer& into, const std::stop_token& stop);
  [[nodiscard]] std::expected<void, Refusal> register_account(const std::string& key, const AcmeIssuerSpec& acme,
                                                              KnownIssuer& into);
  [[nodiscard]] base::Result<std::string> value_of(const ObjectName& secret, const std::string& key,
                                                   const std::stop_token& stop);
  [[nodiscard]] base::Result<std::string> account_key(const ObjectName& secret, const AcmeIssuerSpec& acme,
                                                      const std::stop_token& stop);
  [[nodiscard]] std::set<std::filesystem::path> named() const;
  void tell(Entry& entry, const std::stop_token& stop);

  Parts parts_;
  MemoryFiles files_;
  std::map<std::string, Entry> entries_;  // by issuer_key()
  bool aside_ = false;
  bool unsure_ = false;  // the API did not say what a Secret holds
  bool changed_ = true;
  base::SteadyTime all_at_{};
};

}  // namespace kube
