// Storage: small durable records by key, the memory of everything ACME. A folder on a plain host, Secrets in a cluster.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace acme {

// Keys are paths of parts of [a-z0-9._-], two or three deep: "certificates/www.example.com/ecdsa.pem". Any thread, any
// number of processes; each call is atomic, and what write() has returned for survives a crash. All block.
class Storage {
 public:
  virtual ~Storage() = default;
  // Nothing: there is no such record.
  [[nodiscard]] virtual base::Result<std::optional<std::string>> read(const std::string& key) const = 0;
  [[nodiscard]] virtual base::Result<void> write(const std::string& key, std::string_view content) = 0;
  // One that is not there is no error.
  [[nodiscard]] virtual base::Result<void> remove(const std::string& key) = 0;
  // The keys that begin with `folder` + "/", sorted.
  [[nodiscard]] virtual base::Result<std::vector<std::string>> list(const std::string& folder) const = 0;
};

// A name as a part of a key: "*.example.com" is "_wildcard.example.com", ":" is "_"; what is left is escaped, so that
// two names never meet and no name leaves its folder.
[[nodiscard]] std::string key_part(std::string_view name);

// Files with mode 0600 below `folder` (0700), written by rename. Processes may share the folder.
class FolderStorage final : public Storage {
 public:
  explicit FolderStorage(std::filesystem::path folder);
  [[nodiscard]] base::Result<std::optional<std::string>> read(const std::string& key) const override;
  [[nodiscard]] base::Result<void> write(const std::string& key, std::string_view content) override;
  [[nodiscard]] base::Result<void> remove(const std::string& key) override;
  [[nodiscard]] base::Result<std::vector<std::string>> list(const std::string& folder) const override;

 private:
  std::filesystem::path folder_;
};

}  // namespace acme
