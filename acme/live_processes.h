// LiveProcesses: who shares a folder, and how far each of them has read it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

#include "base/error.h"

namespace acme {

// A file for each process, which that process holds by flock(2) as long as it lives; in it the generation that it has
// published. What a killed process left is taken away by whoever finds it. Any thread may ask; one acknowledges.
class LiveProcesses {
 public:
  explicit LiveProcesses(std::filesystem::path folder);
  ~LiveProcesses();
  LiveProcesses(const LiveProcesses&) = delete;
  LiveProcesses& operator=(const LiveProcesses&) = delete;

  // Registers this object as a process. Errors: io.
  [[nodiscard]] base::Result<void> join();
  void acknowledge(std::uint64_t generation);
  // How many others live that have not acknowledged `generation` yet. What cannot be looked at is not counted.
  [[nodiscard]] unsigned behind(std::uint64_t generation) const;

 private:
  std::filesystem::path folder_;
  std::filesystem::path own_;
  int descriptor_ = -1;
};

}  // namespace acme
