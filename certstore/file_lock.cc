#include "certstore/file_lock.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace certstore {

base::Result<FileLock> FileLock::take(const std::filesystem::path& file, std::chrono::milliseconds patience) {
  FileLock lock(::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (lock.descriptor_ < 0) return base::fail_errno(file.string(), errno);
  const auto end = std::chrono::steady_clock::now() + patience;
  while (::flock(lock.descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return base::fail_errno(file.string(), errno);
    if (std::chrono::steady_clock::now() >= end) {
      return base::fail(base::Code::timeout, file.string() + ": is locked by another process");
    }
    ::poll(nullptr, 0, 5);  // flock has no deadline of its own; whoever holds this lock does so for milliseconds
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}

FileLock::~FileLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

}  // namespace certstore
