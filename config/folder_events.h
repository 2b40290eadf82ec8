// FolderEvents: inotify on a set of folders. One thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "config/path_trace.h"

namespace config {

class FolderEvents {
 public:
  // Without inotify (no instance left, or not wanted) it watches nothing and descriptor() is -1.
  enum class Source { inotify, none };
  explicit FolderEvents(Source source);
  ~FolderEvents();
  FolderEvents(const FolderEvents&) = delete;
  FolderEvents& operator=(const FolderEvents&) = delete;

  [[nodiscard]] int descriptor() const { return descriptor_; }
  // From now on these folders. Those that cannot be watched are left out; logged once. Whether a folder has come to
  // those that were watched before.
  bool watch(const NamesByFolder& folders);
  // Whether all of these are watched.
  [[nodiscard]] bool reach(const NamesByFolder& folders) const;

  struct Event {
    std::filesystem::path folder;
    std::string name;  // empty: the folder itself
    bool is_folder = false;
  };
  struct Batch {
    std::vector<Event> events;
    bool lost = false;  // the kernel's queue overflowed: anything may have changed
  };
  // What has happened since the last call. Does not block.
  [[nodiscard]] Batch take();

 private:
  int descriptor_ = -1;
  // Several folders by name can be one inode, and then share one watch.
  std::map<int, std::set<std::filesystem::path>> folders_by_watch_;
  std::set<std::filesystem::path> watched_;
  bool complained_ = false;
};

}  // namespace config
