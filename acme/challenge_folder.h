// ChallengeFolder: challenges as files that processes share, and a generation that grows with each change.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "acme/storage.h"
#include "base/clock.h"
#include "base/error.h"
#include "certstore/challenges.h"

namespace acme {

// One thread at a time. All block.
class ChallengeFolder {
 public:
  enum class Kind : std::uint8_t { http01, tls_alpn01 };
  static constexpr std::size_t most_entries = 10'000;

  explicit ChallengeFolder(std::filesystem::path folder);

  // Written by rename; seen by others once changed() was called.
  [[nodiscard]] base::Result<void> write_http01(const std::string& token, const std::string& key_authorization);
  [[nodiscard]] base::Result<void> write_tls_alpn01(const std::string& server_name,
                                                    const certstore::Certificate& certificate);
  // Whether there was one.
  [[nodiscard]] base::Result<bool> remove(Kind kind, const std::string& name);

  // The file that tells of changes, for a watch.
  [[nodiscard]] std::filesystem::path generation_file() const { return folder_ / "generation"; }
  [[nodiscard]] std::uint64_t generation() const;
  // Makes the generation larger.
  struct Generations {
    std::uint64_t before = 0;
    std::uint64_t now = 0;
  };
  [[nodiscard]] base::Result<Generations> changed();

  // All entries of the last day, at most `most_entries`; older files are removed. Looks at every file, and reads those
  // that are new.
  [[nodiscard]] certstore::Challenges read();
  // What read() found the last time, with what was written and removed here since: enough where nobody else has changed
  // the folder. Without it each of a thousand tokens would cost a look at a thousand files.
  [[nodiscard]] certstore::Challenges known() const;

 private:
  // What one file says. Kept as long as the file is the same one.
  struct Entry {
    std::uint64_t inode = 0;
    std::filesystem::file_time_type written;
    Kind kind = Kind::http01;
    std::string name;
    std::string key_authorization;
    certstore::CertificatePtr certificate;
    base::SystemTime made;
  };
  [[nodiscard]] static Entry entry_from(std::string_view text);
  [[nodiscard]] Entry* look_at(const std::string& key);
  base::Result<void> write(const std::string& key, std::string_view text);
  static void add(const Entry& entry, certstore::Challenges& all);

  std::filesystem::path folder_;
  FolderStorage storage_;
  std::map<std::string, Entry> known_;  // by key
};

}  // namespace acme
