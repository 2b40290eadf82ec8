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
  config::FileWatch::Options options = options_;
  options.detail = config::FileWatch::Detail::files;
  // Watched before it is read: a change in between is seen, and waits for the lock.
  watch_ = std::make_unique<config::FileWatch>(
      std::vector{directory_},
      [this](const std::vector<std::filesystem::path>& paths) {
        const std::lock_guard held(mutex_);
        changed(paths);
      },
      options);
  read();
}

void DirectorySource::refresh() {
  const std::lock_guard lock(mutex_);
  read();
}

void DirectorySource::changed(const std::vector<std::filesystem::path>& paths) {
  Names files = again_;
  for (const std::filesystem::path& path : paths) {
    if (path == directory_) return read();
    files.insert(path.filename().string());
  }
  // Only a look at everything tells that a directory can be read again, or holds too much.
  if (tell_everything_ || slots_.size() + files.size() > most_folder_entries) return read();
  read_some(files);
}

void DirectorySource::read() {
  const auto listing = FolderListing::read(directory_);
  if (!listing) return take_failure(listing.error());
  for (auto slot = slots_.begin(); slot != slots_.end();) {
    const auto here = slot++;  // it may be erased
    if (listing->find(here->first) == nullptr) lose_slot(here->first, *listing);
  }
  for (const FolderListing::File& file : listing->files()) {
    if (may_be_certificate(role_of(file.name))) read_slot(file.name, *listing);
  }
  tell();
}

void DirectorySource::read_some(const Names& files) {
  Names certificates;
  for (const std::string& file : files) {
    for (std::string& name : certificates_of(file)) {
      if (may_be_certificate(role_of(name))) certificates.insert(std::move(name));
    }
  }
  Names wanted = certificates;
  for (const std::string& name : certificates) {
    for (std::string& companion : companions_of(name)) wanted.insert(std::move(companion));
  }
  const auto listing = FolderListing::read(directory_, wanted);
  if (!listing) return take_failure(listing.error());
  for (const std::string& name : certificates) {
    if (listing->find(name) != nullptr) {
      read_slot(name, *listing);
    } else if (slots_.contains(name)) {
      lose_slot(name, *listing);
    }
  }
  tell();
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
  again_.erase(name);
  if (unreadable) again_.insert(name);
  touched_.insert(name);
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

// Of a file that is no longer there.
void DirectorySource::lose_slot(const std::string& name, const FolderListing& listing) {
  const auto slot = slots_.find(name);
  touched_.insert(name);
  again_.erase(name);
  if (!slot->second.ignored && role_of(name) != FileRole::pfx && !listing.companion(name).empty()) {
    // Half a pair is a pair that is being replaced, not one that was taken away.
    slot->second.result =
        base::fail(base::Code::not_found, (directory_ / name).string() + ": is gone, its key is still there");
    slot->second.certificate = {};
  } else {
    slots_.erase(slot);
  }
}

Candidate DirectorySource::candidate(const std::string& name, base::Result<CertificatePtr> result) const {
  std::string path = (name.empty() ? directory_ : directory_ / name).string();
  return {.id = "directory:" + path,
          .certificate = std::move(result),
          .file_path = std::move(path),
          .is_default = is_default_};
}

// What has changed, or everything if what was told last was that nothing can be read.
void DirectorySource::tell() {
  std::vector<Candidate> candidates;
  std::vector<std::string> gone;
  if (std::exchange(tell_everything_, false)) {
    candidates.reserve(slots_.size());
    for (const auto& [name, slot] : slots_) {
      if (!slot.ignored) candidates.push_back(candidate(name, slot.result));
    }
    report_(std::move(candidates));
  } else if (!touched_.empty()) {
    for (const std::string& name : touched_) {
      const auto slot = slots_.find(name);
      if (slot != slots_.end() && !slot->second.ignored) {
        candidates.push_back(candidate(name, slot->second.result));
      } else {
        gone.push_back("directory:" + (directory_ / name).string());
      }
    }
    report_(Change::some(std::move(candidates), std::move(gone)));
  }
  touched_.clear();
}

void DirectorySource::take_failure(const base::Error& unreadable) {
  std::vector<Candidate> candidates;
  for (const auto& [name, slot] : slots_) {
    if (!slot.ignored) candidates.push_back(candidate(name, std::unexpected(unreadable)));
  }
  if (candidates.empty()) candidates.push_back(candidate("", std::unexpected(unreadable)));
  tell_everything_ = true;
  report_(std::move(candidates));
}

}  // namespace certstore
