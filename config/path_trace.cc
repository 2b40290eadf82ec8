#include "config/path_trace.h"

#include <sys/stat.h>

#include <list>
#include <string_view>
#include <system_error>
#include <vector>

namespace config {
namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;
constexpr int deepest_folder = 4;
constexpr std::size_t most_files = 200'000;

class Tracer {
 public:
  [[nodiscard]] PathTrace take() && { return std::move(trace_); }
  void follow(const fs::path& path);
  void look_at(const fs::path& path, int depth);

 private:
  void wanted(const fs::path& folder, const std::string& name);
  void look_into(const fs::path& folder, int depth);
  // FNV-1a. Order matters, so entries of a folder are taken sorted.
  void mix(std::uint64_t value);
  void mix(std::string_view text);

  PathTrace trace_{{}, 0xcbf29ce484222325U};
  std::size_t files_ = 0;
};

void Tracer::mix(std::uint64_t value) {
  for (unsigned shift = 0; shift < 64; shift += 8) {
    trace_.fingerprint = (trace_.fingerprint ^ ((value >> shift) & 0xffU)) * 0x100000001b3U;
  }
}

void Tracer::mix(std::string_view text) {
  mix(text.size());
  for (const char c : text) {
    trace_.fingerprint = (trace_.fingerprint ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
  }
}

void Tracer::wanted(const fs::path& folder, const std::string& name) {
  const auto [place, is_new] = trace_.folders.try_emplace(folder);
  if (is_new || !place->second.empty()) place->second.insert(name);
}

// Walks the components. A change of the last one, of a link on the way, or of the first one that is missing matters;
// of an ordinary folder on the way only its removal does, which its own watch tells.
void Tracer::follow(const fs::path& path) {
  std::list<fs::path> rest;
  for (const fs::path& part : fs::absolute(path).lexically_normal()) rest.push_back(part);
  fs::path at;
  for (int links = 0; !rest.empty();) {
    const fs::path part = rest.front();
    rest.pop_front();
    if (part.empty() || part == ".") continue;
    if (part == "..") {
      at = at.parent_path();
      continue;
    }
    const fs::path next = at / part;
    std::error_code ignored;  // what cannot be seen counts as missing
    const fs::file_status status = fs::symlink_status(next, ignored);
    const bool missing = !fs::exists(status);
    if (missing || fs::is_symlink(status) || rest.empty()) wanted(at, part.string());
    if (missing) return;
    if (!fs::is_symlink(status)) {
      at = next;
      continue;
    }
    if (++links > most_links) return;
    const fs::path target = fs::read_symlink(next, ignored);
    std::list<fs::path> parts(target.begin(), target.end());
    if (target.is_absolute()) at.clear();
    rest.splice(rest.begin(), parts);
  }
}

void Tracer::look_at(const fs::path& path, int depth) {
  if (++files_ > most_files) return;
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) {
    mix(0);
    return;
  }
  mix(status.st_dev);
  mix(status.st_ino);
  mix(status.st_mode);
  mix(static_cast<std::uint64_t>(status.st_size));
  mix(static_cast<std::uint64_t>(status.st_mtim.tv_sec));
  mix(static_cast<std::uint64_t>(status.st_mtim.tv_nsec));
  mix(static_cast<std::uint64_t>(status.st_ctim.tv_sec));
  mix(static_cast<std::uint64_t>(status.st_ctim.tv_nsec));
  if (S_ISDIR(status.st_mode) && depth < deepest_folder) look_into(path, depth);
}

void Tracer::look_into(const fs::path& folder, int depth) {
  std::error_code failed;
  const fs::path real = fs::canonical(folder, failed);
  if (failed) return;
  trace_.folders[real].clear();  // every name in it
  std::map<std::string, bool> entries;
  for (fs::directory_iterator entry(real, failed), end; !failed && entry != end; entry.increment(failed)) {
    std::error_code ignored;
    entries.emplace(entry->path().filename().string(), entry->is_symlink(ignored));
    if (entries.size() > most_files) break;
  }
  for (const auto& [name, is_link] : entries) {
    // Kubernetes' own "..data" and "..2026_01_01..." hold what the links beside them show; looking twice tells nothing
    // new.
    if (name.starts_with("..")) continue;
    mix(name);
    if (is_link) follow(real / name);
    look_at(real / name, depth + 1);
  }
}

}  // namespace

PathTrace trace(const fs::path& path) {
  Tracer tracer;
  tracer.follow(path);
  tracer.look_at(path, 0);
  return std::move(tracer).take();
}

}  // namespace config
