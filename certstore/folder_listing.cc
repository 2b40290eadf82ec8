#include "certstore/folder_listing.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>
#include <memory>

namespace certstore {
namespace {

struct DirectoryClose {
  void operator()(DIR* directory) const noexcept { ::closedir(directory); }
};
using DirectoryPtr = std::unique_ptr<DIR, DirectoryClose>;

std::string_view stem_of(std::string_view name) {
  return name.substr(0, name.rfind('.'));
}

}  // namespace

base::Result<FolderListing> FolderListing::read(const std::filesystem::path& folder) {
  const DirectoryPtr directory(::opendir(folder.c_str()));
  if (!directory) return base::fail_errno(folder.string(), errno);
  FolderListing listing;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(directory.get());
    if (entry == nullptr) break;
    if (entry->d_name[0] == '.' || entry->d_type == DT_DIR) continue;
    const FileStamp stamp = stamp_at(::dirfd(directory.get()), entry->d_name);
    if (!stamp.exists()) continue;
    if (listing.files_.size() == most_folder_entries) {
      return base::fail(base::Code::too_large,
                        folder.string() + ": holds more than " + std::to_string(most_folder_entries) + " files");
    }
    listing.files_.push_back({entry->d_name, stamp});
  }
  // A listing that broke off must not be taken for a folder from which files have gone.
  if (errno != 0) return base::fail_errno(folder.string(), errno);
  std::ranges::sort(listing.files_, {}, &File::name);
  return listing;
}

base::Result<FolderListing> FolderListing::read(const std::filesystem::path& folder,
                                                const std::set<std::string>& names) {
  const DirectoryPtr directory(::opendir(folder.c_str()));
  if (!directory) return base::fail_errno(folder.string(), errno);
  FolderListing listing;
  for (const std::string& name : names) {
    if (name.empty() || name.starts_with('.')) continue;
    const FileStamp stamp = stamp_at(::dirfd(directory.get()), name.c_str());
    if (stamp.exists()) listing.files_.push_back({name, stamp});
  }
  return listing;
}

const FileStamp* FolderListing::find(std::string_view name) const {
  const auto found =
      std::ranges::lower_bound(files_, name, {}, [](const File& file) -> std::string_view { return file.name; });
  return found == files_.end() || found->name != name ? nullptr : &found->stamp;
}

std::string FolderListing::companion(std::string_view name) const {
  for (std::string& candidate : companions_of(name)) {
    if (find(candidate) != nullptr) return std::move(candidate);
  }
  return {};
}

FileRole role_of(std::string_view name) {
  if (name.ends_with(".crt") || name.ends_with(".pem") || name.ends_with(".cer")) return FileRole::pem;
  if (name.ends_with(".pfx") || name.ends_with(".p12")) return FileRole::pfx;
  if (name.ends_with(".key")) return FileRole::key;
  if (name.ends_with(".password")) return FileRole::password;
  return FileRole::unknown;
}

std::vector<std::string> companions_of(std::string_view name) {
  const FileRole role = role_of(name);
  const std::string whole(name);
  const std::string stem(stem_of(name));
  if (role == FileRole::pem) return {stem + ".key", whole + ".key"};
  if (role == FileRole::pfx) return {stem + ".password", whole + ".password"};
  return {whole + ".key"};
}

std::vector<std::string> certificates_of(std::string_view name) {
  const FileRole role = role_of(name);
  if (role != FileRole::key && role != FileRole::password) return {std::string(name)};
  const std::string stem(stem_of(name));
  std::vector<std::string> certificates{stem,          stem + ".crt", stem + ".pem",
                                        stem + ".cer", stem + ".pfx", stem + ".p12"};
  std::erase_if(certificates, [name](const std::string& certificate) {
    const std::vector<std::string> companions = companions_of(certificate);
    return std::ranges::find(companions, name) == companions.end();
  });
  return certificates;
}

}  // namespace certstore
