#include "config/path_trace.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>

#include <algorithm>
#include <array>
#include <list>
#include <memory>
#include <string_view>
#include <system_error>
#include <utility>

namespace config {
namespace {

namespace fs = std::filesystem;

constexpr int most_links = 40;
constexpr int deepest_folder = 4;
constexpr std::size_t most_files = 200'000;

// Those that linux/magic.h does not name.
constexpr std::uint32_t zfs_magic = 0x2fc12fc1;
constexpr std::uint32_t bcachefs_magic = 0xca451a4e;
constexpr std::array<std::uint32_t, 9> local_file_systems{EXT4_SUPER_MAGIC,      XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC,
                                                          F2FS_SUPER_MAGIC,      TMPFS_MAGIC,     RAMFS_MAGIC,
                                                          OVERLAYFS_SUPER_MAGIC, zfs_magic,       bcachefs_magic};

using FolderPtr = std::unique_ptr<DIR, decltype([](DIR* folder) { ::closedir(folder); })>;

// FNV-1a, a word at a time.
class Hash {
 public:
  Hash& add(std::uint64_t word) {
    value_ = (value_ ^ word) * 0x100000001b3U;
    value_ ^= value_ >> 32U;
    return *this;
  }
  Hash& add(std::string_view text) {
    add(text.size());
    for (const char c : text) value_ = (value_ ^ static_cast<unsigned char>(c)) * 0x100000001b3U;
    return *this;
  }
  Hash& add(const struct statx& status) {
    add(std::uint64_t{status.stx_dev_major} << 32U | status.stx_dev_minor).add(status.stx_ino).add(status.stx_mode);
    add(status.stx_size).add(status.stx_mtime).add(status.stx_ctime);
    return *this;
  }
  [[nodiscard]] std::uint64_t value() const { return value_; }

 private:
  Hash& add(const statx_timestamp& time) {
    return add(static_cast<std::uint64_t>(time.tv_sec)).add(std::uint64_t{time.tv_nsec});
  }
  std::uint64_t value_ = 0xcbf29ce484222325U;
};

enum class Links { follow, keep };

bool look(int folder, const char* name, Links links, struct statx& status) {
  constexpr unsigned wanted = STATX_BASIC_STATS;
  return ::statx(folder, name, links == Links::keep ? AT_SYMLINK_NOFOLLOW : 0, wanted, &status) == 0;
}

// A second hard link and a mount of a single file are ways to write that the folder's watch does not see.
bool has_other_names(const struct statx& status) {
  return status.stx_nlink > 1 || (status.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
}

class Tracer {
 public:
  [[nodiscard]] PathTrace take() &&;
  void follow(const fs::path& path);
  // What path and all that is below looked like.
  std::uint64_t look_at(const fs::path& path, int depth);

 private:
  void wanted(const fs::path& folder, const std::string& name);
  std::uint64_t look_into(const fs::path& folder, int depth);
  std::uint64_t entry(const fs::path& folder, int descriptor, const char* name, int depth);

  PathTrace trace_;
  std::size_t files_ = 0;
};

PathTrace Tracer::take() && {
  for (const auto& [folder, names] : trace_.folders) {
    struct statfs status{};
    if (::statfs(folder.c_str(), &status) != 0 ||
        std::ranges::find(local_file_systems, static_cast<std::uint32_t>(status.f_type)) == local_file_systems.end())
      trace_.local = false;
  }
  if (files_ > most_files) trace_.local = false;
  return std::move(trace_);
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

std::uint64_t Tracer::look_at(const fs::path& path, int depth) {
  if (++files_ > most_files) return 0;
  struct statx status{};
  if (!look(AT_FDCWD, path.c_str(), Links::follow, status)) return 0;
  const std::uint64_t own = Hash().add(status).value();
  if (depth == 0) trace_.surface = own;
  if (!S_ISDIR(status.stx_mode)) {
    if (has_other_names(status)) trace_.local = false;
    return own;
  }
  return depth < deepest_folder ? own + look_into(path, depth) : own;
}

std::uint64_t Tracer::look_into(const fs::path& folder, int depth) {
  std::error_code failed;
  const fs::path real = fs::canonical(folder, failed);
  if (failed) return 0;
  trace_.folders[real].clear();  // every name in it
  if (depth == 0) trace_.folder = real;
  const FolderPtr open(::opendir(real.c_str()));
  if (!open) return 0;
  std::uint64_t sum = 0;  // of hashes: entries come in any order
  while (const dirent* const found = ::readdir(open.get())) {
    const std::string_view name = found->d_name;
    // "." and ".." apart: Kubernetes' own "..data" and "..2026_01_01..." hold what the links beside them show; looking
    // twice tells nothing new.
    if (name == "." || name.starts_with("..")) continue;
    if (++files_ > most_files) break;
    sum += Hash().add(name).add(entry(real, ::dirfd(open.get()), found->d_name, depth)).value();
  }
  return sum;
}

std::uint64_t Tracer::entry(const fs::path& folder, int descriptor, const char* name, int depth) {
  struct statx status{};
  if (!look(descriptor, name, Links::keep, status)) return 0;
  if (S_ISDIR(status.stx_mode)) return look_at(folder / name, depth + 1);
  if (S_ISLNK(status.stx_mode)) {
    trace_.plain = false;
    follow(folder / name);
    return look_at(folder / name, depth + 1);
  }
  if (has_other_names(status)) trace_.plain = trace_.local = false;
  return Hash().add(status).value();
}

}  // namespace

PathTrace trace(const fs::path& path) {
  Tracer tracer;
  tracer.follow(path);
  const std::uint64_t fingerprint = tracer.look_at(path, 0);
  PathTrace trace = std::move(tracer).take();
  trace.fingerprint = fingerprint;
  return trace;
}

std::uint64_t surface_of(const fs::path& path) {
  struct statx status{};
  return look(AT_FDCWD, path.c_str(), Links::follow, status) ? Hash().add(status).value() : 0;
}

bool is_plain(const fs::path& path) {
  struct statx status{};
  if (!look(AT_FDCWD, path.c_str(), Links::keep, status)) return true;
  return S_ISREG(status.stx_mode) && !has_other_names(status);
}

}  // namespace config
