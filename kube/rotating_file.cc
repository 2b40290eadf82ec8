#include "kube/rotating_file.h"

#include <sys/stat.h>

#include <utility>

#include "base/file.h"

namespace kube {
namespace {

constexpr std::size_t largest = 4U << 20U;

}  // namespace

base::Result<std::string> RotatingFile::content() {
  const std::lock_guard lock(mutex_);
  struct stat status{};
  const bool there = ::stat(path_.c_str(), &status) == 0;
  const Identity now{status.st_dev, status.st_ino, status.st_size,
                     std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec};
  if (known_ && (!there || now == read_)) return content_;
  auto text = base::read_file(path_, largest);
  if (!text) {
    if (known_) return content_;
    return std::unexpected(std::move(text.error()));
  }
  // Empty: somebody is writing it.
  if (known_ && text->empty()) return content_;
  content_ = *std::move(text);
  read_ = now;
  known_ = true;
  return content_;
}

}  // namespace kube
