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
  // From now on these folders. Those that cannot be watched are left out; logged once.
  void watch(const NamesByFolder& folders);

  struct Event {
    std::filesystem::path folder;
    std::string name;  // empty: the folder itself
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
  bool complained_ = false;
};

}  // namespace config
