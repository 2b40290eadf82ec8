// RotatingFile: a small file that others replace, read again when it is another one.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <string>

#include "base/error.h"

namespace kube {

// Any thread.
class RotatingFile {
 public:
  explicit RotatingFile(std::filesystem::path path) : path_(std::move(path)) {}

  // What is in it now; costs one stat(2) as long as it is the same file. Where it cannot be read, what was in it
  // before. Errors: as base::read_file. Blocking.
  [[nodiscard]] base::Result<std::string> content();
  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }

 private:
  // A new file has another inode, one that was rewritten in place another time or size.
  struct Identity {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t changed_ns = 0;
    friend bool operator==(const Identity&, const Identity&) = default;
  };

  std::filesystem::path path_;
  std::mutex mutex_;
  Identity read_;
  bool known_ = false;
  std::string content_;
};

}  // namespace kube
