// Lock: one process at a time works on a certificate, an account or a ledger. File locks on a plain host, Leases in a
// cluster.
#pragma once

#include <chrono>
#include <filesystem>
#include <memory>
#include <stop_token>
#include <string>

#include "base/error.h"

namespace acme {

// Held as long as it lives. In a cluster it can be lost before: whoever holds one asks before each step that costs.
class Lock {
 public:
  virtual ~Lock() = default;
  [[nodiscard]] virtual bool still_held() const = 0;
};

class Locks {
 public:
  virtual ~Locks() = default;
  // Waits for at most `patience`. Errors: timeout (somebody else has it), io, cancelled. Blocking.
  [[nodiscard]] virtual base::Result<std::unique_ptr<Lock>> take(const std::string& name,
                                                                 std::chrono::milliseconds patience,
                                                                 std::stop_token stop) = 0;
};

// flock(2) on files in `folder`; also between threads of one process.
class FolderLocks final : public Locks {
 public:
  explicit FolderLocks(std::filesystem::path folder);
  [[nodiscard]] base::Result<std::unique_ptr<Lock>> take(const std::string& name, std::chrono::milliseconds patience,
                                                         std::stop_token stop) override;

 private:
  std::filesystem::path folder_;
};

}  // namespace acme
