// Whole files: read with a bound, written so that a crash leaves the old or the new content, never a part.
// Blocking; control plane only.
#pragma once

#include <cstddef>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/error.h"

namespace base {

// Errors: not_found, too_large (more than `limit` bytes), io. Refuses what is not a regular file.
[[nodiscard]] Result<std::string> read_file(const std::filesystem::path& path, std::size_t limit = 16U << 20U);

// Writes beside `path`, under a name that begins with a dot, with mode 0600, syncs, renames over it, syncs the folder.
[[nodiscard]] Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view content);

}  // namespace base
