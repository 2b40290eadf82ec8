// FileLock: one process at a time in a part of the state directory.
#pragma once

#include <chrono>
#include <filesystem>

#include "base/error.h"

namespace certstore {

// An flock(2) on a file that is made for it (0600) and stays. Released with the object or the process.
class FileLock {
 public:
  // Waits for at most `patience`. Errors: timeout, io. Blocking.
  [[nodiscard]] static base::Result<FileLock> take(const std::filesystem::path& file,
                                                   std::chrono::milliseconds patience);

  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;
  FileLock(const FileLock&) = delete;
  FileLock& operator=(const FileLock&) = delete;
  ~FileLock();

 private:
  explicit FileLock(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace certstore
