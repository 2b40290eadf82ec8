// CertificateDesk: the Certificates of a cluster, what became of each, and what is to be told of it. Reads and writes
// the API. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "acme/manager.h"
#include "base/clock.h"
#include "kube/certificate_object.h"
#include "kube/certificate_plan.h"
#include "kube/certificate_secret.h"
#include "kube/certificate_storage.h"
#include "kube/client.h"
#include "kube/event_recorder.h"
#include "kube/issuer_book.h"
#include "kube/object_inbox.h"
#include "kube/order_display.h"
#include "kube/wanted_certificate.h"

namespace kube {

class CertificateDesk {
 public:
  using Wanted = std::map<ObjectName, WantedCertificate>;  // by Secret
  struct Parts {
    Client& client;
    EventRecorder& events;
    const IssuerBook& issuers;
    acme::Manager& manager;
    CertificateStorage& storage;
    IssuingRules rules;
    std::string name_space;  // empty: all
    // All records of a folder; null: each is asked for.
    std::function<base::Result<std::map<std::string, std::string>>(const std::string& folder)> records = {};
    // Whether this is the UID of an Ingress that is served here; null: none is known to be.
    std::function<bool(const std::string& uid)> serves = {};
  };
  explicit CertificateDesk(Parts parts) : parts_(std::move(parts)), orders_(parts_.client) {}

  void take_certificates(const ObjectInbox::News& news);
  // Of those that sekisho or a cert-manager wrote.
  void take_secrets(const ObjectInbox::News& news);
  void written(const std::set<ObjectName>& certificates);
  void issuers_changed() { changed_ = true; }

  // Makes the Certificates that Ingresses ask for, keeps them up to date, and takes away those that none asks for any
  // more. Costs nothing if nothing has changed. Blocking.
  void follow(std::shared_ptr<const Wanted> wanted, const std::stop_token& stop);
  // Hands what is to be got to the manager, if it has changed. Blocking.
  void plan(const std::stop_token& stop);
  // Asks for renewals, writes status, tells Events. Blocking.
  void tell(const std::stop_token& stop);

 private:
  struct Entry {
    CertificateObject object;
    nlohmann::json secret;       // null: there is none
    bool secret_looked = false;  // whether `secret` is what the server has
    SecretSight sight;           // of `secret`
    std::optional<Refusal> refusal;
    std::string record;  // the manager's; empty: it does not have it
    bool just_written = false;
    std::string stamp;       // of what status was made from
    std::string renewal_of;  // the state of the Secret for which a renewal was asked
    std::string trigger;     // the time of the trigger that was obeyed
    std::string order;       // the order that was told
    unsigned failures = 0;   // that were told
  };
  using ManagedByName = std::map<std::string, const acme::ManagedCertificate*>;

  // ---- certificate_desk.cc
  void forget_secret(const ObjectName& name);
  [[nodiscard]] std::expected<CertificatePlan, Refusal> plan_one(const Entry& entry) const;
  [[nodiscard]] bool is_ours(const Entry& entry) const;
  [[nodiscard]] const CertificateObject* elder_of(const Entry& entry) const;
  [[nodiscard]] CertificateStorage::Entry storage_entry(const Entry& entry) const;
  [[nodiscard]] std::shared_ptr<const CertificateStorage::Seen> seen() const;

  // ---- certificate_desk_status.cc
  void look_at_secret_of(Entry& entry, const std::stop_token& stop);
  void ask_for_renewal(Entry& entry, const acme::ManagedCertificate* managed);
  void tell_one(Entry& entry, const acme::ManagedCertificate* managed, const std::stop_token& stop);
  void tell_events(Entry& entry, const acme::ManagedCertificate* managed, const nlohmann::json& before);

  // ---- certificate_desk_ingress.cc
  [[nodiscard]] bool step(const WantedCertificate& wanted, const std::stop_token& stop);
  [[nodiscard]] bool make(const WantedCertificate& wanted, const std::stop_token& stop);
  [[nodiscard]] bool update(const WantedCertificate& wanted, const CertificateObject& there,
                            const std::stop_token& stop);
  void note_unwanted(const Wanted& wanted);
  void drop_unwanted(const Wanted& wanted, const std::stop_token& stop);

  void event(const ObjectRef& object, NoticeType type, std::string reason, std::string message);
  [[nodiscard]] bool is_aside(const IssuerRef& issuer, const std::string& name_space) const;

  Parts parts_;
  OrderDisplay orders_;
  bool orders_swept_ = false;
  std::map<ObjectName, Entry> entries_;
  std::map<ObjectName, nlohmann::json> secrets_;     // labelled ones
  std::map<ObjectName, std::set<Seniority>> users_;  // Certificates, by Secret
  std::shared_ptr<const Wanted> followed_ = std::make_shared<const Wanted>();
  std::set<ObjectName> follow_again_;         // Secrets
  std::map<ObjectName, ObjectRef> unwanted_;  // Certificates that are to go, and the Ingress that asked for each
  bool compared_ = false;                     // what was there before this process led with what is wanted now
  base::SteadyTime follow_next_{};
  bool changed_ = true;
  std::vector<config::IssuedCertificate> given_;  // to the manager
  std::map<std::string, config::Issuer> given_issuers_;
};

}  // namespace kube
