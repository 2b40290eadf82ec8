#include "kube/memory_files.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>

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

base::Result<std::filesystem::path> MemoryFiles::path_of(std::string_view content) {
  std::string digest = digest_of(content);
  asked_.insert(digest);
  auto found = files_.find(digest);
  if (found == files_.end()) {
    const int descriptor = ::memfd_create("sekisho-secret", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (descriptor < 0) return base::fail_errno("memory for a Secret", errno);
    if (!write_all(descriptor, content)) {
      const int problem = errno;
      ::close(descriptor);
      return base::fail_errno("memory for a Secret", problem);
    }
    ::fcntl(descriptor, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    found = files_.emplace(std::move(digest), descriptor).first;
  }
  return fmt::format("/proc/self/fd/{}", found->second);
}

void MemoryFiles::sweep() {
  if (files_.size() > many) {
    std::erase_if(files_, [this](const auto& file) {
      if (asked_.contains(file.first)) return false;
      ::close(file.second);
      return true;
    });
  }
  asked_.clear();
}

}  // namespace kube
