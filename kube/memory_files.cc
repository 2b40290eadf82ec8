#include "kube/memory_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include <fmt/format.h>

#include "base/openssl.h"

namespace kube {
namespace {

constexpr std::size_t many = 256;

std::string digest_of(std::string_view content) {
  std::string digest(32, '\0');
  EVP_Digest(content.data(), content.size(), reinterpret_cast<unsigned char*>(digest.data()), nullptr, EVP_sha256(),
             nullptr);
  return digest;
}

// Above what sockets and files are numbered with, as far as the process may count.
int first_number() {
  constexpr rlim_t above_others = 1U << 16U;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 0;
  return static_cast<int>(std::min(limit.rlim_cur / 2, above_others));
}

std::filesystem::path path_to(int descriptor) {
  return fmt::format("/proc/self/fd/{}", descriptor);
}

bool write_all(int descriptor, std::string_view content) {
  while (!content.empty()) {
    const ssize_t written = ::write(descriptor, content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

MemoryFiles::~MemoryFiles() {
  for (const auto& [digest, descriptor] : files_) ::close(descriptor);
}

// The same file by a number that was not in use for as long as possible; -1: there is none left. Owns `descriptor`.
int MemoryFiles::renumbered(int descriptor) {
  const int first = first_number();
  int number = ::fcntl(descriptor, F_DUPFD_CLOEXEC, std::max(first, next_));
  if (number < 0) number = ::fcntl(descriptor, F_DUPFD_CLOEXEC, first);  // all were had: from the beginning
  const int problem = errno;
  ::close(descriptor);
  errno = problem;
  // Its range is bounded, for the kernel's table is as long as the highest number.
  constexpr int numbers = 1 << 17;
  next_ = number + 1 < first + numbers ? number + 1 : first;
  return number;
}

base::Result<std::filesystem::path> MemoryFiles::path_of(std::string_view content) {
  std::string digest = digest_of(content);
  asked_.insert(digest);
  auto found = files_.find(digest);
  if (found == files_.end()) {
    int descriptor = ::memfd_create("sekisho-secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor >= 0) descriptor = renumbered(descriptor);
    if (descriptor < 0) return base::fail_errno("memory for a Secret", errno);
    if (!write_all(descriptor, content)) {
      const int problem = errno;
      ::close(descriptor);
      return base::fail_errno("memory for a Secret", problem);
    }
    ::fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    found = files_.emplace(std::move(digest), descriptor).first;
  }
  return path_to(found->second);
}

void MemoryFiles::sweep(const std::set<std::filesystem::path>& named) {
  if (files_.size() > many) {
    std::erase_if(files_, [&](const auto& file) {
      if (asked_.contains(file.first) || named.contains(path_to(file.second))) return false;
      ::close(file.second);
      return true;
    });
  }
  asked_.clear();
}

}  // namespace kube
