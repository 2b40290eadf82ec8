#include "certstore/directory_source.h"

#include <utility>

#include "base/file.h"
#include "certstore/secret_bytes.h"

namespace certstore {
namespace {

bool may_be_certificate(FileRole role) {
  return role != FileRole::key && role != FileRole::password;
}

base::Result<CertificatePtr> missing_key(const std::filesystem::path& file, const std::string& name) {
  return base::fail(base::Code::not_found, file.string() + ": there is no private key: " + companions_of(name).front() +
                                               " is expected beside it");
}

}  // namespace

DirectorySource::DirectorySource(config::DirectoryCertificates directory, bool is_default,
                                 config::FileWatch::Options options)
    : directory_(std::move(directory.directory)), is_default_(is_default), options_(options) {}

std::string DirectorySource::name() const {
  return "directory " + directory_.string();
}

void DirectorySource::start(Report report) {
  const std::lock_guard lock(mutex_);
  report_ = std::move(report);
  // Watched before it is read: a change in between is seen, and waits for the lock.
  watch_ = std::make_unique<config::FileWatch>(
      std::vector{directory_}, [this](const std::vector<std::filesystem::path>& /*changed*/) { refresh(); }, options_);
  read();
}

void DirectorySource::refresh() {
  const std::lock_guard lock(mutex_);
  read();
}

void DirectorySource::read() {
  const auto listing = FolderListing::read(directory_);
  if (!listing) {
    report_all(&listing.error());
    return;
  }
  drop_absent(*listing);
  for (const FolderListing::File& file : listing->files()) {
    if (may_be_certificate(role_of(file.name))) read_slot(file.name, *listing);
  }
  report_all(nullptr);
}

void DirectorySource::read_slot(const std::string& name, const FolderListing& listing) {
  const std::string companion = listing.companion(name);
  const FileStamp stamp = *listing.find(name);
  const FileStamp companion_stamp = companion.empty() ? FileStamp{} : *listing.find(companion);
  const auto found = slots_.find(name);
  const bool known = found != slots_.end();
  if (known && found->second.certificate == stamp && found->second.companion == companion_stamp) return;
  Slot slot = load(name, companion, known && !found->second.ignored);
  // What could not be opened is tried again at every event: permissions change without a new stamp on some file
  // systems.
  const bool unreadable = !slot.result && slot.result.error().code == base::Code::io;
  slot.certificate = unreadable ? FileStamp{} : stamp;
  slot.companion = companion_stamp;
  slots_.insert_or_assign(name, std::move(slot));
}

DirectorySource::Slot DirectorySource::load(const std::string& name, const std::string& companion, bool known) const {
  const std::filesystem::path path = directory_ / name;
  const std::filesystem::path companion_path = companion.empty() ? std::filesystem::path() : directory_ / companion;
  Slot slot;
  const FileRole role = role_of(name);
  if (role == FileRole::pfx) {
    slot.result = read_pfx_file(path, companion_path);
    return slot;
  }
  if (!companion.empty()) {
    slot.result = read_pem_files(path, companion_path);
    return slot;
  }
  auto content = base::read_file(path, largest_certificate_file);
  if (!content) {
    slot.ignored = role == FileRole::unknown && !known;  // some other large or unreadable thing
    slot.result = std::unexpected(std::move(content.error()));
    return slot;
  }
  const WipedAtEnd wiped(*content);
  const PemKind kind = kind_of_pem(*content);
  if (kind == PemKind::leaf_with_key) {
    slot.result = Certificate::from_pem(*content, "");
    if (!slot.result) slot.result = std::unexpected(std::move(slot.result.error()).in(path.string()));
    return slot;
  }
  slot.result = missing_key(path, name);
  // A name that is made for a leaf is worth a complaint, anything else only if it holds one or has been one.
  const bool expected = known || name == "tls.crt" || (role == FileRole::pem && kind == PemKind::leaf_without_key);
  slot.ignored = !expected;
  return slot;
}

void DirectorySource::drop_absent(const FolderListing& listing) {
  for (auto slot = slots_.begin(); slot != slots_.end();) {
    if (listing.find(slot->first) != nullptr) {
      ++slot;
    } else if (!slot->second.ignored && role_of(slot->first) != FileRole::pfx &&
               !listing.companion(slot->first).empty()) {
      // Half a pair is a pair that is being replaced, not one that was taken away.
      slot->second.result =
          base::fail(base::Code::not_found, (directory_ / slot->first).string() + ": is gone, its key is still there");
      slot->second.certificate = {};
      ++slot;
    } else {
      slot = slots_.erase(slot);
    }
  }
}

void DirectorySource::report_all(const base::Error* unreadable) const {
  std::vector<Candidate> candidates;
  candidates.reserve(slots_.size());
  for (const auto& [name, slot] : slots_) {
    if (slot.ignored) continue;
    const std::string path = (directory_ / name).string();
    candidates.push_back({.id = "directory:" + path,
                          .certificate = unreadable == nullptr ? slot.result : std::unexpected(*unreadable),
                          .file_path = path,
                          .is_default = is_default_});
  }
  if (unreadable != nullptr && candidates.empty()) {
    candidates.push_back({.id = "directory:" + directory_.string(),
                          .certificate = std::unexpected(*unreadable),
                          .file_path = directory_.string(),
                          .is_default = is_default_});
  }
  report_(std::move(candidates));
}

}  // namespace certstore
