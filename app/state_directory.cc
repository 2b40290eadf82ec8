#include "app/state_directory.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace app {

base::Result<void> make_state_directory(const std::filesystem::path& folder) {
  namespace fs = std::filesystem;
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (!error && made) fs::permissions(folder, fs::perms::owner_all, error);
  if (error) return base::fail(base::Code::io, fmt::format("state_directory {}: {}", folder.string(), error.message()));
  return {};
}

std::string loose_rights(const std::filesystem::path& folder) {
  struct stat found{};
  if (::stat(folder.c_str(), &found) != 0) {
    return fmt::format("{}: {}", folder.string(), std::generic_category().message(errno));
  }
  if (found.st_uid != ::geteuid() && found.st_uid != 0) {
    return fmt::format("{} belongs to user {}, who can read and replace keys: chown {} {}", folder.string(),
                       found.st_uid, ::geteuid(), folder.string());
  }
  const bool anybody_writes = (found.st_mode & S_IWOTH) != 0;
  if ((found.st_mode & (S_IRWXG | S_IRWXO)) == 0) return {};
  return fmt::format("{} is open to {} (mode {:04o}), who {}: chmod 700 {}", folder.string(),
                     (found.st_mode & S_IRWXO) != 0 ? "everybody" : "its group", found.st_mode & 07777U,
                     anybody_writes ? "can replace keys" : "should have no rights to it", folder.string());
}

acme::Finding state_directory_finding(const std::filesystem::path& folder) {
  const std::string loose = loose_rights(folder);
  const bool good = loose.empty();
  return {.check = "state directory",
          .name = "",
          .verdict = good ? acme::Finding::Verdict::good : acme::Finding::Verdict::bad,
          .text = good ? "only its owner has rights to it" : loose};
}

}  // namespace app
