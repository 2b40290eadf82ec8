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

#include "base/keep_running.h"
#include "config/folder_events.h"
#include "config/path_trace.h"

namespace config {
namespace {

using Steady = std::chrono::steady_clock;
using Paths = std::vector<std::filesystem::path>;

// Past this many names the whole folder is looked at as cheaply.
constexpr std::size_t most_names = 4096;
// Watches are added and folders looked at in turns, until the two agree; a folder that changes all the time has events.
constexpr int most_turns = 3;

struct Watched {
  PathTrace seen;      // as last reported
  bool stale = false;  // files have been reported since; `seen` does not know them
};
using WatchedPaths = std::map<std::filesystem::path, Watched>;

// What of a watched path may have changed.
struct Suspect {
  bool all = false;
  std::set<std::string> names;  // files of the folder
};

WatchedPaths traces_of(const Paths& paths) {
  WatchedPaths watched;
  for (const std::filesystem::path& path : paths) watched.try_emplace(path, Watched{trace(path)});
  return watched;
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
        watched_(traces_of(paths)) {
    arm();  // before the constructor returns, so that nothing after it is missed
    thread_ =
        std::jthread([this](const std::stop_token& stop) { base::keep_running("files", stop, [&] { run(stop); }); });
  }

  void set_paths(const Paths& paths) {
    WatchedPaths watched = traces_of(paths);
    {
      const std::lock_guard lock(mutex_);
      handed_over_ = std::move(watched);
    }
    wake_.ring();
  }

 private:
  void run(const std::stop_token& stop);
  void wait();
  void take_handed_over();
  void take_events();
  void take_event(const std::filesystem::path& path, const Watched& watched, const FolderEvents::Event& event);
  void suspect(const std::filesystem::path& path);
  bool arm();
  void poll();
  void report();
  void look_again();
  [[nodiscard]] bool only_names(const std::filesystem::path& path, const Suspect& suspect) const;

  std::function<void(const Paths&)> changed_;
  Options options_;
  Wake wake_;
  Settling settling_;
  FolderEvents events_;
  WatchedPaths watched_;
  std::map<std::filesystem::path, Suspect> suspects_;
  Steady::time_point next_poll_ = Steady::now() + options_.poll;
  Steady::time_point next_thorough_ = Steady::now() + options_.thorough;
  std::mutex mutex_;
  std::optional<WatchedPaths> handed_over_;
  std::jthread thread_;  // last: joined before the rest goes
};

void FileWatch::Loop::run(const std::stop_token& stop) {
  const std::stop_callback on_stop(stop, [this] { wake_.ring(); });
  while (!stop.stop_requested()) {
    wait();
    if (stop.stop_requested()) return;
    take_handed_over();
    take_events();
    if (Steady::now() >= next_poll_) poll();
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
  std::optional<WatchedPaths> next;
  {
    const std::lock_guard lock(mutex_);
    next = std::exchange(handed_over_, std::nullopt);
  }
  if (!next) return;
  // A path that stays is compared with what was last reported of it, so that a change in between is not lost.
  Paths changed;
  for (const auto& [path, watched] : *next) {
    const auto before = watched_.find(path);
    if (before == watched_.end()) continue;
    if (before->second.stale || before->second.seen.fingerprint != watched.seen.fingerprint) changed.push_back(path);
  }
  watched_ = std::move(*next);
  std::erase_if(suspects_, [this](const auto& suspect) { return !watched_.contains(suspect.first); });
  for (const std::filesystem::path& path : changed) suspect(path);
  arm();
  // What happened to a new path while it had no watch.
  for (const auto& [path, watched] : watched_) {
    if (trace(path).fingerprint != watched.seen.fingerprint) suspect(path);
  }
}

void FileWatch::Loop::take_events() {
  if (events_.descriptor() < 0) return;
  const FolderEvents::Batch batch = events_.take();
  for (const auto& [path, watched] : watched_) {
    if (batch.lost) suspect(path);
    for (const FolderEvents::Event& event : batch.events) take_event(path, watched, event);
  }
}

void FileWatch::Loop::take_event(const std::filesystem::path& path, const Watched& watched,
                                 const FolderEvents::Event& event) {
  const auto names = watched.seen.folders.find(event.folder);
  if (names == watched.seen.folders.end()) return;
  if (!event.name.empty() && !names->second.empty() && !names->second.contains(event.name)) return;
  const bool is_file = options_.detail == Detail::files && event.folder == watched.seen.folder && watched.seen.plain &&
                       !event.name.empty() && !event.is_folder && !event.name.starts_with("..");
  if (!is_file) return suspect(path);
  Suspect& suspect = suspects_[path];
  if (suspect.names.size() < most_names) {
    suspect.names.insert(event.name);
  } else {
    suspect.all = true;
  }
  settling_.touch(Steady::now());
}

void FileWatch::Loop::suspect(const std::filesystem::path& path) {
  suspects_[path].all = true;
  settling_.touch(Steady::now());
}

// Whether there are folders now that were not watched before.
bool FileWatch::Loop::arm() {
  NamesByFolder all;
  for (const auto& [path, watched] : watched_) all.insert(watched.seen.folders.begin(), watched.seen.folders.end());
  return events_.watch(all);
}

void FileWatch::Loop::poll() {
  const Steady::time_point now = Steady::now();
  const bool thorough = now >= next_thorough_;
  if (thorough) next_thorough_ = now + options_.thorough;
  next_poll_ = now + options_.poll;
  for (const auto& [path, watched] : watched_) {
    if (const auto known = suspects_.find(path); known != suspects_.end() && known->second.all) continue;
    if (!thorough && watched.seen.local && events_.reach(watched.seen.folders)) {
      if (surface_of(path) != watched.seen.surface && !suspects_.contains(path)) suspect(path);
    } else if (watched.stale || trace(path).fingerprint != watched.seen.fingerprint) {
      suspect(path);
    }
  }
}

bool FileWatch::Loop::only_names(const std::filesystem::path& path, const Suspect& suspect) const {
  return !suspect.all &&
         std::ranges::all_of(suspect.names, [&](const std::string& name) { return is_plain(path / name); });
}

// First the watches, then the look: what changes in between is seen by one of the two.
void FileWatch::Loop::look_again() {
  for (int turn = 0; turn < most_turns; ++turn) {
    for (const auto& [path, suspect] : suspects_) {
      if (suspect.all) watched_[path] = Watched{trace(path)};
    }
    if (!arm()) return;
  }
}

void FileWatch::Loop::report() {
  settling_.reset();
  Paths paths;
  bool some_all = false;
  for (auto& [path, suspect] : suspects_) {
    suspect.all = !only_names(path, suspect);
    some_all = some_all || suspect.all;
    if (suspect.all) {
      paths.push_back(path);
      continue;
    }
    for (const std::string& name : suspect.names) paths.push_back(path / name);
    Watched& watched = watched_[path];
    watched.seen.surface = surface_of(path);
    watched.stale = true;
  }
  if (some_all) look_again();
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
