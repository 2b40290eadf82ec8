#include "config/folder_events.h"

#include <sys/inotify.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "base/log.h"

namespace config {
namespace {

constexpr std::uint32_t interesting = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO |
                                      IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

void warn(const std::string& what, int error_number) {
  base::log::warning("files are polled only",
                     {{"reason", what + ": " + std::generic_category().message(error_number)}});
}

}  // namespace

FolderEvents::FolderEvents(Source source) {
  if (source == Source::none) return;
  descriptor_ = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (descriptor_ < 0) warn("inotify", errno);
}

FolderEvents::~FolderEvents() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

bool FolderEvents::watch(const NamesByFolder& folders) {
  if (descriptor_ < 0) return false;
  bool grown = false;
  std::set<std::filesystem::path> watched;
  std::map<int, std::set<std::filesystem::path>> wanted;
  for (const auto& [folder, names] : folders) {
    const int watch = ::inotify_add_watch(descriptor_, folder.c_str(), interesting);
    if (watch >= 0) {
      grown = grown || !folders_by_watch_.contains(watch);
      wanted[watch].insert(folder);
      watched.insert(folder);
    } else if (errno != ENOENT && errno != ENOTDIR && !std::exchange(complained_, true)) {
      warn(folder.string(), errno);
    }
  }
  for (const auto& [watch, names] : folders_by_watch_) {
    if (!wanted.contains(watch)) ::inotify_rm_watch(descriptor_, watch);
  }
  folders_by_watch_ = std::move(wanted);
  watched_ = std::move(watched);
  return grown;
}

bool FolderEvents::reach(const NamesByFolder& folders) const {
  return std::ranges::all_of(folders, [this](const auto& folder) { return watched_.contains(folder.first); });
}

FolderEvents::Batch FolderEvents::take() {
  Batch batch;
  alignas(inotify_event) std::array<char, 16384> buffer;
  for (;;) {
    const ssize_t got = ::read(descriptor_, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return batch;
    for (std::size_t at = 0; at < static_cast<std::size_t>(got);) {
      inotify_event event{};
      std::memcpy(&event, buffer.data() + at, sizeof event);
      const char* const name = buffer.data() + at + sizeof event;
      at += sizeof event + event.len;
      if ((event.mask & IN_Q_OVERFLOW) != 0) batch.lost = true;
      const auto folders = folders_by_watch_.find(event.wd);
      if ((event.mask & IN_IGNORED) != 0 || folders == folders_by_watch_.end()) continue;
      for (const std::filesystem::path& folder : folders->second) {
        batch.events.push_back(
            {folder, event.len == 0 ? std::string() : std::string(name), (event.mask & IN_ISDIR) != 0});
      }
    }
  }
}

}  // namespace config
