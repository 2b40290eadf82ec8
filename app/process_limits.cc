#include "app/process_limits.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <fstream>
#include <string>
#include <thread>

#include "base/log.h"

namespace app {
namespace {

unsigned cpus_of_affinity() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof set, &set) != 0) return std::max(1U, std::thread::hardware_concurrency());
  return static_cast<unsigned>(std::max(1, CPU_COUNT(&set)));
}

// The folder of this process in the unified hierarchy: the line "0::/path" of /proc/self/cgroup.
std::filesystem::path own_cgroup() {
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("0::/")) return std::filesystem::path("/sys/fs/cgroup") / line.substr(4);
  }
  return {};
}

}  // namespace

std::optional<unsigned> cpus_of_cpu_max(std::string_view line) {
  std::uint64_t quota = 0;
  std::uint64_t period = 0;
  const char* const end = line.data() + line.size();
  const auto first = std::from_chars(line.data(), end, quota);
  if (first.ec != std::errc() || first.ptr == end || *first.ptr != ' ') return std::nullopt;
  const auto second = std::from_chars(first.ptr + 1, end, period);
  if (second.ec != std::errc() || period == 0) return std::nullopt;
  return static_cast<unsigned>(std::clamp<std::uint64_t>(quota / period + (quota % period != 0 ? 1 : 0), 1, 1024));
}

unsigned allowed_cpus() {
  unsigned cpus = cpus_of_affinity();
  // Every level up to the root may have a limit of its own.
  for (std::filesystem::path folder = own_cgroup(); !folder.empty(); folder = folder.parent_path()) {
    std::ifstream file(folder / "cpu.max");
    std::string line;
    if (std::getline(file, line)) cpus = std::min(cpus, cpus_of_cpu_max(line).value_or(cpus));
    if (folder == "/sys/fs/cgroup" || folder == folder.parent_path()) break;
  }
  return cpus;
}

void raise_open_file_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (setrlimit(RLIMIT_NOFILE, &limit) != 0) base::log::warning("the limit of open files cannot be raised");
}

}  // namespace app
