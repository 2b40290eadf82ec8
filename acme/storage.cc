#include "acme/storage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "base/file.h"
#include "base/hex.h"
#include "base/openssl.h"

namespace acme {
namespace {

constexpr std::size_t largest_record = 4U << 20U;
constexpr std::size_t longest_part = 200;  // file systems take 255 bytes, and a temporary file has a longer name
constexpr std::size_t kept_of_long_part = 100;
constexpr std::size_t deepest = 4;
constexpr std::string_view plain_characters = "abcdefghijklmnopqrstuvwxyz0123456789-.";

bool is_ipv6_text(std::string_view name) {
  return name.contains(':') && name.front() != '.' && name.find_first_not_of("0123456789abcdef:.") == name.npos;
}

std::string escaped(std::string_view name) {
  std::string part;
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (plain_characters.contains(name[i]) && (i > 0 || name[i] != '.')) {
      part += name[i];
    } else {
      const std::array byte{static_cast<unsigned char>(name[i])};
      part += "_x";
      base::append_hex(part, byte);
    }
  }
  return part;
}

std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, 32> digest{};
  if (EVP_Digest(text.data(), text.size(), digest.data(), nullptr, EVP_sha256(), nullptr) != 1) return {};
  return base::to_hex(digest);
}

bool is_part(std::string_view part) {
  return !part.empty() && part.size() <= 255 && part.front() != '.' &&
         std::ranges::all_of(part, [](char c) { return c == '_' || plain_characters.contains(c); });
}

bool is_key(std::string_view key) {
  for (std::size_t depth = 1; depth <= deepest; ++depth) {
    const std::size_t slash = key.find('/');
    if (!is_part(key.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    key.remove_prefix(slash + 1);
  }
  return false;
}

std::unexpected<base::Error> no_key(const std::string& key) {
  return base::fail(base::Code::invalid, "'" + key.substr(0, 300) + "' is no key of a record");
}

void sync_folder(const std::filesystem::path& folder) {
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return;
  ::fsync(descriptor);
  ::close(descriptor);
}

// Each folder with mode 0700 from its first moment on.
base::Result<void> make_folders(const std::filesystem::path& root, const std::filesystem::path& below) {
  std::error_code problem;
  std::filesystem::create_directories(root.parent_path(), problem);  // a failure shows at the next step
  std::filesystem::path folder = root;
  const auto make = [](const std::filesystem::path& path) -> base::Result<void> {
    if (::mkdir(path.c_str(), 0700) == 0) {
      sync_folder(path.parent_path());
    } else if (errno != EEXIST) {
      return base::fail_errno(path.string(), errno);
    }
    return {};
  };
  if (auto made = make(folder); !made) return made;
  for (const std::filesystem::path& part : below) {
    folder /= part;
    if (auto made = make(folder); !made) return made;
  }
  return {};
}

}  // namespace

// Injective: a "_" is followed by "x" and two digits, by "wildcard.", by "none", by "h" and a digest, or, in what was
// an IPv6 address, by none of "x", "w", "n", "h".
std::string key_part(std::string_view name) {
  if (name.empty()) return "_none";
  std::string part;
  if (is_ipv6_text(name)) {
    part = name;
    std::ranges::replace(part, ':', '_');
  } else if (name.starts_with("*.")) {
    part = "_wildcard." + escaped(name.substr(2));
  } else {
    part = escaped(name);
  }
  if (part.size() <= longest_part) return part;
  return part.substr(0, kept_of_long_part) + "_h" + sha256_hex(name);
}

FolderStorage::FolderStorage(std::filesystem::path folder) : folder_(std::move(folder)) {}

base::Result<std::optional<std::string>> FolderStorage::read(const std::string& key) const {
  if (!is_key(key)) return no_key(key);
  auto content = base::read_file(folder_ / key, largest_record);
  if (content) return *std::move(content);
  if (content.error().code == base::Code::not_found) return std::nullopt;
  return std::unexpected(std::move(content.error()));
}

base::Result<void> FolderStorage::write(const std::string& key, std::string_view content) {
  if (!is_key(key)) return no_key(key);
  if (content.size() > largest_record) return base::fail(base::Code::too_large, key + ": is too large for a record");
  const std::filesystem::path relative(key);
  if (auto made = make_folders(folder_, relative.parent_path()); !made) return made;
  return base::write_file_atomically(folder_ / relative, content);
}

base::Result<void> FolderStorage::remove(const std::string& key) {
  if (!is_key(key)) return no_key(key);
  const std::filesystem::path file = folder_ / key;
  if (::unlink(file.c_str()) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return base::fail_errno(file.string(), errno);
  }
  sync_folder(file.parent_path());
  return {};
}

base::Result<std::vector<std::string>> FolderStorage::list(const std::string& folder) const {
  if (!is_key(folder)) return no_key(folder);
  std::vector<std::string> keys;
  std::error_code problem;
  std::filesystem::recursive_directory_iterator entry(folder_ / folder, problem);
  for (; !problem && entry != std::filesystem::recursive_directory_iterator(); entry.increment(problem)) {
    const std::string key = entry->path().lexically_relative(folder_).generic_string();
    std::error_code gone;  // removed since it was listed
    // What is no key is a file that is being written (its name begins with a dot), or nothing of ours.
    if (!is_key(key)) {
      entry.disable_recursion_pending();
    } else if (entry->is_regular_file(gone)) {
      keys.push_back(key);
    }
  }
  if (problem && problem != std::errc::no_such_file_or_directory) {
    return base::fail(base::Code::io, (folder_ / folder).string() + ": " + problem.message());
  }
  std::ranges::sort(keys);
  return keys;
}

}  // namespace acme
