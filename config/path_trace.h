// PathTrace: the way from a path to what it really is, link by link, and what it looked like. Two equal fingerprints
// mean that very probably nothing changed. Reads metadata only; blocking.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <set>
#include <string>

namespace config {

// Names in a folder whose change can change what a watched path is. An empty set: every name.
using NamesByFolder = std::map<std::filesystem::path, std::set<std::string>>;

struct PathTrace {
  NamesByFolder folders;          // existing folders only
  std::uint64_t fingerprint = 0;  // of identity, size and times of the target, and of all files in it if it is a folder
  std::uint64_t surface = 0;      // of the target alone
  std::filesystem::path folder;   // the real path of the target if it is a folder, else empty
  bool plain = true;              // no file in the folder is a link, or has a second name
  bool local = true;              // on file systems of which every change goes through this kernel, and so to inotify
};

// Follows at most 40 links; looks at most four folders deep and at no more than 200,000 files.
[[nodiscard]] PathTrace trace(const std::filesystem::path& path);

// PathTrace::surface alone.
[[nodiscard]] std::uint64_t surface_of(const std::filesystem::path& path);

// A regular file that has no second name, so that whatever changes it is an event in its folder; or nothing at all.
[[nodiscard]] bool is_plain(const std::filesystem::path& path);

}  // namespace config
