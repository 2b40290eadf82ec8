#include "config/watch.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <system_error>
#include <thread>
#include <utility>

#include "config/folder_events.h"
#include "config/path_trace.h"

namespace config {
namespace {

using Steady = std::chrono::steady_clock;
using Paths = std::vector<std::filesystem::path>;
using Fingerprints = std::map<std::filesystem::path, std::uint64_t>;

Fingerprints fingerprints_of(const Paths& paths) {
  Fingerprints fingerprints;
  for (const std::filesystem::path& path : paths) fingerprints.emplace(path, trace(path).fingerprint);
  return fingerprints;
}

// An eventfd: wakes a poll(2).
class Wake {
 public:
  Wake() : descriptor_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {
    if (descriptor_ < 0) throw std::system_error(errno, std::generic_category(), "eventfd");
  }
  ~Wake() { ::close(descriptor_); }
  Wake(const Wake&) = delete;
  Wake& operator=(const Wake&) = delete;
  [[nodiscard]] int descriptor() const { return descriptor_; }
  void ring() const {
    const std::uint64_t one = 1;
    // Only a full counter can fail here, and then it is rung already.
    if (::write(descriptor_, &one, sizeof one) < 0) return;
  }
  void silence() const {
    std::uint64_t count = 0;
    if (::read(descriptor_, &count, sizeof count) < 0) return;
  }

 private:
  int descriptor_;
};

// When to report: `settle` after the last event, but not later than `longest` after the first.
class Settling {
 public:
  explicit Settling(const FileWatch::Options& options) : options_(options) {}
  void touch(Steady::time_point now) {
    if (!first_) first_ = now;
    last_ = now;
  }
  [[nodiscard]] std::optional<Steady::time_point> due() const {
    if (!first_) return std::nullopt;
    return std::min(last_ + options_.settle, *first_ + options_.longest);
  }
  void reset() { first_.reset(); }

 private:
  FileWatch::Options options_;
  std::optional<Steady::time_point> first_;
  Steady::time_point last_;
};

}  // namespace

// Owns the thread and all that it uses. `mutex_` guards only what set_paths() hands over.
class FileWatch::Loop {
 public:
  Loop(const Paths& paths, std::function<void(const Paths&)> changed, Options options)
      : changed_(std::move(changed)),
        options_(options),
        settling_(options),
        events_(options.notify == Notify::inotify ? FolderEvents::Source::inotify : FolderEvents::Source::none),
        known_(fingerprints_of(paths)) {
    arm();  // before the constructor returns, so that nothing after it is missed
    thread_ = std::jthread([this](const std::stop_token& stop) { run(stop); });
  }

  void set_paths(const Paths& paths) {
    Fingerprints fingerprints = fingerprints_of(paths);
    {
      const std::lock_guard lock(mutex_);
      handed_over_ = std::move(fingerprints);
    }
    wake_.ring();
  }

 private:
  void run(const std::stop_token& stop);
  void wait();
  void take_handed_over();
  void take_events();
  void arm();
  void compare();
  void report();

  std::function<void(const Paths&)> changed_;
  Options options_;
  Wake wake_;
  Settling settling_;
  FolderEvents events_;
  Fingerprints known_;                                    // of every watched path, as last reported
  std::map<std::filesystem::path, NamesByFolder> armed_;  // for every watched path
  std::set<std::filesystem::path> suspects_;
  Steady::time_point next_poll_ = Steady::now() + options_.poll;
  std::mutex mutex_;
  std::optional<Fingerprints> handed_over_;
  std::jthread thread_;  // last: joined before the rest goes
};

void FileWatch::Loop::run(const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [this] { wake_.ring(); });
  while (!stop.stop_requested()) {
    wait();
    if (stop.stop_requested()) return;
    take_handed_over();
    take_events();
    if (Steady::now() >= next_poll_) {
      arm();
      compare();
      next_poll_ = Steady::now() + options_.poll;
    }
    if (const auto due = settling_.due(); due && Steady::now() >= *due) report();
  }
}

void FileWatch::Loop::wait() {
  const Steady::time_point until = std::min(next_poll_, settling_.due().value_or(next_poll_));
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Steady::now());
  std::array<pollfd, 2> ready{pollfd{wake_.descriptor(), POLLIN, 0}, pollfd{events_.descriptor(), POLLIN, 0}};
  // A descriptor of -1 is ignored; an interrupted wait is a short one.
  const int count =
      ::poll(ready.data(), ready.size(), static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 3'600'000)));
  if (count > 0 && ready[0].revents != 0) wake_.silence();
}

void FileWatch::Loop::take_handed_over() {
  std::optional<Fingerprints> next;
  {
    const std::lock_guard lock(mutex_);
    next = std::exchange(handed_over_, std::nullopt);
  }
  if (!next) return;
  // A path that stays keeps what was last reported of it, so that a change in between is not lost.
  for (auto& [path, fingerprint] : *next) {
    if (const auto before = known_.find(path); before != known_.end()) fingerprint = before->second;
  }
  known_ = std::move(*next);
  std::erase_if(suspects_, [this](const std::filesystem::path& path) { return !known_.contains(path); });
  arm();
  compare();
}

void FileWatch::Loop::take_events() {
  if (events_.descriptor() < 0) return;
  const FolderEvents::Batch batch = events_.take();
  const std::size_t before = suspects_.size();
  bool touched = batch.lost;
  for (const auto& [path, folders] : armed_) {
    if (batch.lost) suspects_.insert(path);
    for (const FolderEvents::Event& event : batch.events) {
      const auto names = folders.find(event.folder);
      if (names == folders.end()) continue;
      const bool concerns = event.name.empty() || names->second.empty() || names->second.contains(event.name);
      if (!concerns) continue;
      suspects_.insert(path);
      touched = true;
    }
  }
  if (touched || suspects_.size() != before) settling_.touch(Steady::now());
}

void FileWatch::Loop::arm() {
  armed_.clear();
  NamesByFolder all;
  for (const auto& [path, fingerprint] : known_) {
    NamesByFolder folders = trace(path).folders;
    all.insert(folders.begin(), folders.end());
    armed_.emplace(path, std::move(folders));
  }
  events_.watch(all);
}

void FileWatch::Loop::compare() {
  for (const auto& [path, fingerprint] : known_) {
    if (!suspects_.contains(path) && trace(path).fingerprint != fingerprint) {
      suspects_.insert(path);
      settling_.touch(Steady::now());
    }
  }
}

void FileWatch::Loop::report() {
  // First the watches, then the look: what changes in between is seen by one of the two.
  arm();
  compare();
  settling_.reset();
  for (const std::filesystem::path& path : suspects_) known_[path] = trace(path).fingerprint;
  const Paths paths(suspects_.begin(), suspects_.end());
  suspects_.clear();
  if (!paths.empty()) changed_(paths);
}

FileWatch::FileWatch(Paths paths, std::function<void(const Paths&)> changed, Options options)
    : loop_(std::make_unique<Loop>(paths, std::move(changed), options)) {}

FileWatch::FileWatch(Paths paths, std::function<void(const Paths&)> changed)
    : FileWatch(std::move(paths), std::move(changed), Options()) {}

FileWatch::~FileWatch() = default;

void FileWatch::set_paths(Paths paths) {
  loop_->set_paths(paths);
}

}  // namespace config
