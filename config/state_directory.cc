#include <cstdlib>
#include <string>

#include "config/sections.h"

namespace config {
namespace {

std::string environment(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? std::string() : std::string(value);
}

}  // namespace

std::filesystem::path default_state_directory() {
  // systemd gives a list with colons if the unit names several; the first is ours.
  const std::string systemd = environment("STATE_DIRECTORY");
  if (!systemd.empty()) return systemd.substr(0, systemd.find(':'));
  // XDG Base Directory: "All paths set in these environment variables must be absolute", others are to be ignored.
  const std::filesystem::path xdg = environment("XDG_STATE_HOME");
  if (xdg.is_absolute()) return xdg / "sekisho";
  const std::filesystem::path home = environment("HOME");
  if (home.is_absolute()) return home / ".local/state/sekisho";
  return "/var/lib/sekisho";
}

}  // namespace config
