// What a new configuration means for a process that runs. Pure.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "config/config.h"

namespace app {

// What differs and only a restart can change, as sentences. `before` is what the process was started with.
[[nodiscard]] std::vector<std::string> restart_needs(const config::Config& before, const config::Config& after);

// The listeners of `before`, and those of `after` at addresses that are not among them: what to listen to while it is
// not yet sure that the new configuration will be taken.
[[nodiscard]] std::vector<config::Listener> listeners_of_both(const config::Config& before,
                                                              const config::Config& after);

// Files that the configuration names and that are read only when it is loaded: CA bundles, client certificates, and
// what issuers need.
[[nodiscard]] std::vector<std::filesystem::path> trust_files(const config::Config& config);

}  // namespace app
