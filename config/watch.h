// FileWatch: calls back when one of a set of paths may have changed. By inotify on the folders (so that rename over,
// and the `..data` symlink swap of Kubernetes and CSI mounts are seen), and by a slow poll of identity, size and times
// where inotify does not reach (subPath mounts, network file systems, second hard links).
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
  // Of a watched folder: the folder for any file in it; or the files, where it is known which.
  enum class Detail { folder, files };
  struct Options {
    Notify notify = Notify::inotify;          // poll_only: as if inotify did not reach
    std::chrono::milliseconds settle{100};    // quiet time after the last event before the callback runs
    std::chrono::milliseconds longest{1000};  // a file that changes all the time is still reported this often
    // Where inotify reaches, this often only the watched paths themselves are looked at (another folder may have been
    // renamed or mounted over one of them), and all files below them as often as `thorough` says.
    std::chrono::milliseconds poll{10'000};
    std::chrono::milliseconds thorough{300'000};
    Detail detail = Detail::folder;
  };

  // `changed` runs on the watch's own thread, one call at a time, with the watched paths that may have changed. With
  // Detail::files a file of a watched folder, by the folder's watched path and its name, stands for just that file, and
  // the folder's own path for anything in it (queue overflow, `..data` swap, links, what the poll found). Files and
  // folders need not exist yet.
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
