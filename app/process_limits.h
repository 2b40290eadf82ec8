// What the machine and the cgroup allow this process.
#pragma once

#include <filesystem>
#include <optional>
#include <string_view>

namespace app {

// CPUs this process may use: the smaller of its affinity and its cgroup's cpu.max (rounded up), at least 1.
[[nodiscard]] unsigned allowed_cpus();

// CPUs that a cgroup v2 cpu.max line allows ("150000 100000" is 2, rounded up); nothing for "max ..." and garbage.
[[nodiscard]] std::optional<unsigned> cpus_of_cpu_max(std::string_view line);

// Raises the limit of open files to what the process may ask for.
void raise_open_file_limit();

}  // namespace app
