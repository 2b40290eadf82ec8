// The CAs that the system trusts, for what trusts others besides.
#pragma once

#include <string>

namespace base {

// PEM, as libcurl would read it for a request that names no CAs; empty: there is none at its usual place. Blocking:
// reads a file.
[[nodiscard]] std::string system_roots();

}  // namespace base
