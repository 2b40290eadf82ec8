#include "kube/certificate_desk.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "acme/target.h"
#include "kube/notice.h"
#include "kube/wipe_data.h"

namespace kube {
namespace {

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

bool is_same(const CertificateObject& left, const CertificateObject& right) {
  return left.spec == right.spec && left.metadata.labels == right.metadata.labels &&
         left.metadata.uid == right.metadata.uid;
}

Seniority seniority_of(const CertificateObject& certificate) {
  return {certificate.metadata.created, certificate.metadata.name};
}

}  // namespace

void CertificateDesk::take_certificates(const ObjectInbox::News& news) {
  for (const auto& [name, object] : news) {
    const auto known = entries_.find(name);
    if (!object) {
      if (known == entries_.end()) continue;
      users_[known->second.object.secret()].erase(seniority_of(known->second.object));
      orders_.show(name, {}, {});
      entries_.erase(known);
      follow_again_.insert(name);
      changed_ = true;
      continue;
    }
    auto read = read_certificate(*object);
    if (!read) {  // the last good one is kept
      ObjectFaults none;
      const auto metadata = read_metadata(ObjectFields(*object, "", none), Resource::Scope::namespaced);
      event(reference_to(resources::certificates, metadata), NoticeType::warning, reasons::invalid_object,
            to_string(read.error()));
      continue;
    }
    Entry& entry = entries_[name];
    if (!is_same(entry.object, *read)) {
      changed_ = true;
      users_[entry.object.secret()].erase(seniority_of(entry.object));
      users_[read->secret()].insert(seniority_of(*read));
      entry.secret_looked = false;
      entry.renewal_of.clear();
      follow_again_.insert(name);
      if (!read->ignored.empty()) {
        event(read->reference, NoticeType::warning, "UnsupportedField",
              fmt::format("spec.{} has no effect: sekisho issues the certificate without it", read->ignored.front()));
      }
    }
    entry.object = std::move(*read);
    entry.stamp.clear();
  }
}

void CertificateDesk::take_secrets(const ObjectInbox::News& news) {
  for (const auto& [name, object] : news) {
    forget_secret(name);
    const auto users = users_.find(name);
    if (users == users_.end() || users->second.empty()) continue;  // one that is wanted later is asked for then
    if (object) secrets_.insert_or_assign(name, *object);
    for (const Seniority& user : users->second) {
      Entry& entry = entries_.at(user.name);
      entry.secret_looked = false;
      if (!entry.record.empty()) parts_.manager.storage_changed(entry.record);
    }
  }
}

void CertificateDesk::forget_secret(const ObjectName& name) {
  const auto found = secrets_.find(name);
  if (found == secrets_.end()) return;
  wipe_data(found->second);
  secrets_.erase(found);
}

void CertificateDesk::written(const std::set<ObjectName>& certificates) {
  for (const ObjectName& name : certificates) {
    const auto found = entries_.find(name);
    if (found == entries_.end()) continue;
    found->second.just_written = true;
    found->second.secret_looked = false;
    forget_secret(found->second.object.secret());  // older than what was written
  }
}

// The Certificate that has a right to the Secret, if that is another one.
const CertificateObject* CertificateDesk::elder_of(const Entry& entry) const {
  const auto users = users_.find(entry.object.secret());
  if (users == users_.end() || users->second.empty()) return nullptr;
  const CertificateObject* elder = &entries_.at(users->second.begin()->name).object;
  return elder == &entry.object ? nullptr : elder;
}

bool CertificateDesk::is_aside(const IssuerRef& issuer, const std::string& name_space) const {
  const KnownIssuer* known = parts_.issuers.find(issuer_key(issuer, name_space));
  return known != nullptr && known->aside;
}

bool CertificateDesk::is_ours(const Entry& entry) const {
  return entry.object.issuer.group == "cert-manager.io" &&
         !is_aside(entry.object.issuer, entry.object.metadata.name.name_space);
}

std::expected<CertificatePlan, Refusal> CertificateDesk::plan_one(const Entry& entry) const {
  const CertificateObject& certificate = entry.object;
  if (const CertificateObject* elder = elder_of(entry)) {
    return std::unexpected(Refusal{"IncorrectCertificate",
                                   fmt::format("Secret {} belongs to the older Certificate \"{}\": two Certificates "
                                               "cannot write one Secret",
                                               certificate.secret_name, elder->metadata.name.name)});
  }
  const IssuerRef& ref = certificate.issuer;
  const KnownIssuer* issuer = parts_.issuers.find(issuer_key(ref, certificate.metadata.name.name_space));
  if (issuer == nullptr) {
    return std::unexpected(
        Refusal{"Pending", fmt::format("Referenced \"{}\" not found: {}.cert-manager.io \"{}\" not found", ref.kind,
                                       lower(ref.kind), ref.name)});
  }
  if (issuer->refusal) {
    return std::unexpected(
        Refusal{"Pending", fmt::format("Referenced issuer does not have a Ready status condition: {}: {}",
                                       issuer->refusal->reason, issuer->refusal->message)});
  }
  if (std::holds_alternative<AcmeIssuerSpec>(issuer->object.spec) && issuer->account_url.empty()) {
    return std::unexpected(Refusal{
        "Pending", "Referenced issuer does not have a Ready status condition: its account is being registered"});
  }
  return plan_certificate(certificate, issuer->object, issuer->materials, parts_.rules);
}

CertificateStorage::Entry CertificateDesk::storage_entry(const Entry& entry) const {
  using Ca = CertificateStorage::Entry::Ca;
  CertificateStorage::Entry made{.certificate = entry.object, .ca = Ca::none, .ca_pem = {}};
  const auto* issuer = parts_.issuers.find(issuer_key(entry.object.issuer, entry.object.metadata.name.name_space));
  if (issuer == nullptr) return made;
  if (std::holds_alternative<SelfSignedIssuerSpec>(issuer->object.spec)) made.ca = Ca::itself;
  if (std::holds_alternative<CaIssuerSpec>(issuer->object.spec)) {
    made.ca = Ca::given;
    made.ca_pem = issuer->ca_pem;
  }
  return made;
}

void CertificateDesk::plan(const std::stop_token& stop) {
  if (!std::exchange(changed_, false) || stop.stop_requested()) return;
  std::vector<config::IssuedCertificate> certificates;
  std::map<std::string, config::Issuer> issuers;
  CertificateStorage::Entries known;
  for (auto& [name, entry] : entries_) {
    entry.record.clear();
    entry.refusal.reset();
    if (!is_ours(entry)) continue;
    auto planned = plan_one(entry);
    if (!planned) {
      entry.refusal = std::move(planned.error());
      continue;
    }
    entry.record = acme::targets_of(planned->wanted).front().record();
    known.emplace(entry.record, storage_entry(entry));
    issuers.insert_or_assign(planned->wanted.issuer, std::move(planned->issuer));
    certificates.push_back(std::move(planned->wanted));
  }
  // Before the manager reads with them.
  parts_.storage.know(std::move(known));
  if (certificates == given_ && issuers == given_issuers_) return;
  const bool first = given_.empty();
  given_ = certificates;
  given_issuers_ = issuers;
  if (first) parts_.storage.read_from(seen());
  parts_.manager.configure(std::move(certificates), std::move(issuers));
  parts_.storage.read_from(nullptr);
}

// For the first reads of everything.
std::shared_ptr<const CertificateStorage::Seen> CertificateDesk::seen() const {
  auto seen = std::make_shared<CertificateStorage::Seen>();
  seen->secrets = secrets_;
  for (const char* folder : {"certificates", "failures", "revoked"}) {
    if (!parts_.records) break;
    auto records = parts_.records(folder);
    if (!records) continue;
    seen->folders.insert(folder);
    seen->records.merge(*records);
  }
  return seen;
}

void CertificateDesk::event(const ObjectRef& object, NoticeType type, std::string reason, std::string message) {
  parts_.events.tell({.object = object, .type = type, .reason = std::move(reason), .message = std::move(message)});
}

}  // namespace kube
