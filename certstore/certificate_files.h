// Certificates out of files: what the file and the directory source have in common.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "certstore/certificate.h"

namespace certstore {

inline constexpr std::size_t largest_certificate_file = 1U << 20U;

// What of a file changes when its content does. Symbolic links are followed: `..data` of Kubernetes changes the inode.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::int64_t size = -1;
  std::int64_t modified = 0;  // nanoseconds since 1970
  std::int64_t changed = 0;
  [[nodiscard]] bool exists() const noexcept { return size >= 0; }
  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

// The stamp of a regular file; one that does not exist() for anything else.
[[nodiscard]] FileStamp stamp_of(const std::filesystem::path& path);
// The same, relative to an open folder.
[[nodiscard]] FileStamp stamp_at(int folder, const char* name);

// Errors name the file that is at fault. Blocking. Key material that was read is wiped before these return.
// `key` empty: the key is in `certificate`.
[[nodiscard]] base::Result<CertificatePtr> read_pem_files(const std::filesystem::path& certificate,
                                                          const std::filesystem::path& key);
// `password_file` empty: no password; its content counts without the end of line.
[[nodiscard]] base::Result<CertificatePtr> read_pfx_file(const std::filesystem::path& pfx,
                                                         const std::filesystem::path& password_file);

// What the leaf of a PEM file is for, whether or not it has its key and chain: the first hundred names. Blocking.
[[nodiscard]] std::vector<std::string> names_in_pem_file(const std::filesystem::path& file);

// What a PEM text has in it, told without decoding keys.
enum class PemKind : std::uint8_t {
  other,             // nothing that concerns us
  authorities,       // certificates, all of authorities, no key: ca.crt
  leaf_without_key,  // the key is to be looked for elsewhere
  leaf_with_key,
};
[[nodiscard]] PemKind kind_of_pem(std::string_view text);

}  // namespace certstore
