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
  // Closes, when there are many, what was neither asked for since the last call nor is among `named`. Who still goes by
  // such a path, an order that began with it, finds nothing there: a number is taken again only when all others of its
  // range have been, so that no path comes to mean another Secret while anybody knows it.
  void sweep(const std::set<std::filesystem::path>& named);
  [[nodiscard]] std::size_t size() const { return files_.size(); }

 private:
  [[nodiscard]] int renumbered(int descriptor);

  std::map<std::string, int> files_;  // descriptors, by a hash of the content
  std::set<std::string> asked_;
  int next_ = 0;  // the least number that the next one may have
};

}  // namespace kube
