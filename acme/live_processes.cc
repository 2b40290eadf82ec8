#include "acme/live_processes.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "base/openssl.h"

namespace acme {
namespace {

constexpr std::size_t digits = 20;  // of a generation, always as many, so that one write replaces another

std::uint64_t generation_in(int descriptor) {
  std::array<char, digits> text{};
  std::uint64_t generation = 0;
  if (::pread(descriptor, text.data(), text.size(), 0) != static_cast<ssize_t>(text.size())) return 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), generation);
  return error == std::errc{} && end == text.data() + text.size() ? generation : 0;
}

// Whether a process holds this file and has not published `generation`. Removes the file if nobody holds it.
bool lives_behind(const std::filesystem::path& file, std::uint64_t generation) {
  const int descriptor = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  if (descriptor < 0) return false;
  bool behind = false;
  if (::flock(descriptor, LOCK_SH | LOCK_NB) != 0) {
    behind = errno == EWOULDBLOCK && generation_in(descriptor) < generation;
  } else {
    ::unlink(file.c_str());  // names are never used twice
  }
  ::close(descriptor);
  return behind;
}

}  // namespace

LiveProcesses::LiveProcesses(std::filesystem::path folder) : folder_(std::move(folder)) {}

LiveProcesses::~LiveProcesses() {
  if (descriptor_ < 0) return;
  ::unlink(own_.c_str());
  ::close(descriptor_);
}

base::Result<void> LiveProcesses::join() {
  std::uint64_t random = 0;
  if (RAND_bytes(reinterpret_cast<unsigned char*>(&random), sizeof random) != 1) {
    return base::fail(base::Code::internal, "no random bytes");
  }
  const std::string name = fmt::format("{}-{:016x}", ::getpid(), random);
  // Held before it has its name: a file that can be seen and is not held is a dead process's.
  const std::filesystem::path hidden = folder_ / ("." + name);
  descriptor_ = ::open(hidden.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor_ < 0) return base::fail_errno(hidden.string(), errno);
  own_ = hidden;
  if (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) return base::fail_errno(hidden.string(), errno);
  acknowledge(0);
  if (::rename(hidden.c_str(), (folder_ / name).c_str()) != 0) return base::fail_errno(hidden.string(), errno);
  own_ = folder_ / name;
  return {};
}

void LiveProcesses::acknowledge(std::uint64_t generation) {
  const std::string text = fmt::format("{:020}", generation);
  // A failure leaves the old number: others wait for us a little, in vain.
  if (descriptor_ >= 0 && ::pwrite(descriptor_, text.data(), text.size(), 0) < 0) return;
}

unsigned LiveProcesses::behind(std::uint64_t generation) const {
  unsigned count = 0;
  std::error_code problem;
  std::filesystem::directory_iterator entry(folder_, problem);
  for (; !problem && entry != std::filesystem::directory_iterator(); entry.increment(problem)) {
    if (entry->path() == own_ || entry->path().filename().native().starts_with('.')) continue;
    if (lives_behind(entry->path(), generation)) ++count;
  }
  return count;
}

}  // namespace acme
