// The secret that the cookies of sticky sessions are hashed with, where the configuration has none for them.
#pragma once

#include <filesystem>
#include <string>

namespace app {

// That of `state_directory`, made if there is none: a client finds its endpoint again after a restart, and by another
// process with the same file. Without a state directory, or if it cannot be kept there (which is logged): one that ends
// with this process. Never fails. Blocking.
[[nodiscard]] std::string affinity_secret(const std::filesystem::path& state_directory);

}  // namespace app
