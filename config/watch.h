// FileWatch: calls back when one of a set of paths may have changed. By inotify on the folders (so that rename over,
// and the `..data` symlink swap of Kubernetes and CSI mounts are seen), and by a slow poll of identity, size and times
// where inotify does not reach (subPath mounts, network file systems).
#pragma once

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <vector>

namespace config {

class FileWatch {
 public:
  enum class Notify { inotify, poll_only };
  struct Options {
    Notify notify = Notify::inotify;          // poll_only: as if inotify did not reach
    std::chrono::milliseconds settle{100};    // quiet time after the last event before the callback runs
    std::chrono::milliseconds longest{1000};  // a file that changes all the time is still reported this often
    std::chrono::milliseconds poll{10'000};
  };

  // `changed` runs on the watch's own thread, one call at a time, with the watched paths that may have changed (a
  // folder for any file in it). Files and folders need not exist yet.
  FileWatch(std::vector<std::filesystem::path> paths,
            std::function<void(const std::vector<std::filesystem::path>&)> changed, Options options);
  FileWatch(std::vector<std::filesystem::path> paths,
            std::function<void(const std::vector<std::filesystem::path>&)> changed);
  // Stops and joins; `changed` does not run after it.
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;
  FileWatch& operator=(const FileWatch&) = delete;

  // From now on these paths. Any thread.
  void set_paths(std::vector<std::filesystem::path> paths);

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace config
