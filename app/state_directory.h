// The state directory: keys and accounts lie there, so it should belong to this user and to nobody else.
#pragma once

#include <filesystem>
#include <string>

#include "acme/preflight.h"
#include "base/error.h"

namespace app {

// Makes it, with mode 0700, if it is not there. Errors: io. Blocking.
[[nodiscard]] base::Result<void> make_state_directory(const std::filesystem::path& folder);

// What is loose about it, and how to mend it, for people: another user than root owns it, or the group or others have
// rights to it. Empty: nothing. To be warned of and not refused: an emptyDir of Kubernetes is open to all users of its
// container, and a folder of the host's often belongs to another number than the container's user. Blocking.
[[nodiscard]] std::string loose_rights(const std::filesystem::path& folder);

// The same for `doctor`.
[[nodiscard]] acme::Finding state_directory_finding(const std::filesystem::path& folder);

}  // namespace app
