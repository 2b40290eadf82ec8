#include "acme/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <mutex>
#include <system_error>
#include <utility>

#include "acme/storage.h"
#include "base/clock.h"

namespace acme {
namespace {

constexpr std::chrono::milliseconds first_step{2};
constexpr std::chrono::milliseconds longest_step{50};

class HeldFile final : public Lock {
 public:
  HeldFile(std::filesystem::path file, int descriptor) : file_(std::move(file)), descriptor_(descriptor) {}
  HeldFile(const HeldFile&) = delete;
  HeldFile& operator=(const HeldFile&) = delete;
  ~HeldFile() override { ::close(descriptor_); }

  // The lock belongs to the file, not to its name: where somebody has cleared the folder, another process can hold a
  // new file of this name.
  [[nodiscard]] bool still_held() const override {
    struct stat held{};
    struct stat named{};
    return ::fstat(descriptor_, &held) == 0 && ::stat(file_.c_str(), &named) == 0 && held.st_dev == named.st_dev &&
           held.st_ino == named.st_ino;
  }

 private:
  std::filesystem::path file_;
  int descriptor_;
};

// Null: somebody else has it.
base::Result<std::unique_ptr<Lock>> try_once(const std::filesystem::path& file) {
  // A descriptor of its own for each attempt: so flock(2) keeps threads apart as well.
  const int descriptor = ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (descriptor < 0) return base::fail_errno(file.string(), errno);
  auto held = std::make_unique<HeldFile>(file, descriptor);
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) return base::fail_errno(file.string(), errno);
    return nullptr;
  }
  if (!held->still_held()) return nullptr;  // the file was replaced between open and flock
  return held;
}

}  // namespace

FolderLocks::FolderLocks(std::filesystem::path folder) : folder_(std::move(folder)) {}

base::Result<std::unique_ptr<Lock>> FolderLocks::take(const std::string& name, std::chrono::milliseconds patience,
                                                      std::stop_token stop) {
  std::error_code problem;
  if (std::filesystem::create_directories(folder_, problem)) {
    std::filesystem::permissions(folder_, std::filesystem::perms::owner_all, problem);
  }
  const std::filesystem::path file = folder_ / (key_part(name) + ".lock");
  const auto end = std::chrono::steady_clock::now() + patience;
  std::mutex mutex;
  std::condition_variable_any nobody_wakes;  // flock(2) cannot be waited for with a deadline; only `stop` ends a wait
  for (auto step = first_step;; step = std::min(2 * step, longest_step)) {
    if (stop.stop_requested()) return base::fail(base::Code::cancelled, "lock " + name + ": stopped");
    auto lock = try_once(file);
    if (!lock || *lock) return lock;
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) return base::fail(base::Code::timeout, "lock " + name + ": somebody else has it");
    std::unique_lock waiting(mutex);
    nobody_wakes.wait_until(waiting, stop, std::min<base::SteadyTime>(now + step, end), [] { return false; });
  }
}

}  // namespace acme
