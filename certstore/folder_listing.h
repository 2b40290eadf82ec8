// FolderListing: the regular files of a folder and their stamps, and which of them belong together.
#pragma once

#include <filesystem>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "certstore/certificate_files.h"

namespace certstore {

inline constexpr std::size_t most_folder_entries = 200'000;

enum class FileRole : std::uint8_t { pem, pfx, key, password, unknown };

class FolderListing {
 public:
  // Hidden files (Kubernetes' `..data` among them) and folders are left out; symbolic links are followed. Blocking.
  // Errors: not_found, io, too_large.
  [[nodiscard]] static base::Result<FolderListing> read(const std::filesystem::path& folder);
  // Of these names only; what does not exist under them is left out. Errors: not_found, io.
  [[nodiscard]] static base::Result<FolderListing> read(const std::filesystem::path& folder,
                                                        const std::set<std::string>& names);

  // Sorted by name.
  struct File {
    std::string name;
    FileStamp stamp;
  };
  [[nodiscard]] const std::vector<File>& files() const noexcept { return files_; }
  // Null if there is no such file.
  [[nodiscard]] const FileStamp* find(std::string_view name) const;
  // The file with the key (or password) that goes with this certificate; empty: there is none.
  [[nodiscard]] std::string companion(std::string_view name) const;

 private:
  std::vector<File> files_;
};

// By the extension.
[[nodiscard]] FileRole role_of(std::string_view name);
// The names under which the key or password of a certificate's file may be found, the likelier first.
[[nodiscard]] std::vector<std::string> companions_of(std::string_view name);
// The other way round: the certificates' files that a change of this file may concern, itself among them.
[[nodiscard]] std::vector<std::string> certificates_of(std::string_view name);

}  // namespace certstore
