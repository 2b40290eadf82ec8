// MemoryFiles: bytes of Secrets as files that are on no disk, for what reads its keys from a path. They can be opened
// by this process alone, under /proc/self/fd.
#pragma once

#include <filesystem>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "base/error.h"

namespace kube {

// One thread; the files may be read by any.
class MemoryFiles {
 public:
  MemoryFiles() = default;
  ~MemoryFiles();
  MemoryFiles(const MemoryFiles&) = delete;
  MemoryFiles& operator=(const MemoryFiles&) = delete;

  // The same content has the same path as long as it is asked for. Errors: io.
  [[nodiscard]] base::Result<std::filesystem::path> path_of(std::string_view content);
  // Closes what was not asked for since the last call, when there are many. A path may then come to mean something
  // else, so whoever keeps one has asked for it again.
  void sweep();
  [[nodiscard]] std::size_t size() const { return files_.size(); }

 private:
  std::map<std::string, int> files_;  // descriptors, by a hash of the content
  std::set<std::string> asked_;
};

}  // namespace kube
