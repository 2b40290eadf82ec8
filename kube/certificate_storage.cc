#include "kube/certificate_storage.h"

#include <utility>

#include "acme/json_fields.h"
#include "base/base64.h"
#include "kube/certificate_secret.h"

namespace kube {
namespace {

constexpr std::string_view folder = "certificates/";
constexpr std::string_view ending = ".pem";

std::unexpected<base::Error> as_error(ApiFailure failure, const ObjectName& secret) {
  return std::unexpected(std::move(failure.error).in("Secret " + to_string(secret)));
}

}  // namespace

CertificateStorage::CertificateStorage(Client& client, acme::Storage& records, Written written)
    : client_(client), records_(records), written_(std::move(written)) {}

void CertificateStorage::know(Entries entries) {
  std::map<std::string, std::shared_ptr<const Entry>> next;
  for (auto& [record, entry] : entries) next.emplace(record, std::make_shared<const Entry>(std::move(entry)));
  const std::lock_guard lock(mutex_);
  entries_ = std::move(next);
}

void CertificateStorage::read_from(std::shared_ptr<const Seen> seen) {
  const std::lock_guard lock(mutex_);
  seen_ = std::move(seen);
  seen_by_ = std::this_thread::get_id();
}

std::shared_ptr<const CertificateStorage::Seen> CertificateStorage::seen() const {
  const std::lock_guard lock(mutex_);
  return seen_by_ == std::this_thread::get_id() ? seen_ : nullptr;
}

std::shared_ptr<const CertificateStorage::Entry> CertificateStorage::entry_of(const std::string& key) const {
  if (!key.starts_with(folder) || !key.ends_with(ending)) return nullptr;
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(key.substr(folder.size(), key.size() - folder.size() - ending.size()));
  return found == entries_.end() ? nullptr : found->second;
}

// Null: there is none.
Outcome<nlohmann::json> CertificateStorage::secret_of(const Entry& entry) const {
  if (const auto known = seen()) {
    const auto found = known->secrets.find(entry.certificate.secret());
    if (found != known->secrets.end()) return found->second;
  }
  auto secret = client_.get(resources::secrets, entry.certificate.secret(), calls_.token());
  if (!secret && secret.error().not_found()) return nlohmann::json();
  return secret;
}

base::Result<std::optional<std::string>> CertificateStorage::read(const std::string& key) const {
  const auto entry = entry_of(key);
  if (!entry) {
    const auto known = seen();
    if (!known || !known->folders.contains(key.substr(0, key.find('/')))) return records_.read(key);
    const auto found = known->records.find(key);
    if (found == known->records.end()) return std::nullopt;
    return found->second;
  }
  const auto secret = secret_of(*entry);
  if (!secret) return as_error(secret.error(), entry->certificate.secret());
  const SecretSight sight = look_at_secret(entry->certificate, *secret);
  if (!sight.certificate || sight.violation) return std::nullopt;
  return sight.certificate->chain_pem() + sight.certificate->key_pem();
}

base::Result<void> CertificateStorage::write(const std::string& key, std::string_view content) {
  const auto entry = entry_of(key);
  if (!entry) return records_.write(key, content);
  const auto issued = certstore::Certificate::from_pem(content, {});
  if (!issued) return std::unexpected(issued.error());
  const auto before = secret_of(*entry);
  if (!before) return as_error(before.error(), entry->certificate.secret());
  const std::string* type = acme::text_member(*before, "type");
  const std::string ca = entry->ca == Entry::Ca::itself ? (*issued)->chain_pem() : entry->ca_pem;
  const auto secret = secret_for(entry->certificate, **issued, ca, type == nullptr ? "" : *type);
  if (!secret) return std::unexpected(secret.error());
  auto applied = client_.apply(resources::secrets, *secret, Client::Conflict::force, {}, calls_.token());
  if (!applied) return as_error(std::move(applied.error()), entry->certificate.secret());
  if (written_) written_(entry->certificate.metadata.name);
  return {};
}

base::Result<void> CertificateStorage::remove(const std::string& key) {
  const auto entry = entry_of(key);
  if (!entry) return records_.remove(key);
  const auto removed = client_.remove(resources::secrets, entry->certificate.secret(), {}, calls_.token());
  if (!removed && !removed.error().not_found()) return as_error(removed.error(), entry->certificate.secret());
  return {};
}

base::Result<std::vector<std::string>> CertificateStorage::list(const std::string& of) const {
  const auto known = seen();
  if (!known || !known->folders.contains(of)) return records_.list(of);
  std::vector<std::string> keys;
  for (auto record = known->records.lower_bound(of + '/'); record != known->records.end(); ++record) {
    if (!record->first.starts_with(of + '/')) break;
    keys.push_back(record->first);
  }
  return keys;
}

void CertificateStorage::interrupt() {
  calls_.end_soon();
}

}  // namespace kube
