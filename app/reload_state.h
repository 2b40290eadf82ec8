// ReloadState: what became of the attempts to load the configuration. A plain value.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.h"

namespace app {

struct ReloadState {
  std::uint64_t good = 0;
  std::uint64_t refused = 0;
  bool last_refused = false;
  std::vector<std::string> problems;        // of the last one, if it was refused; "file:line:column: ..."
  std::vector<std::string> restart_needed;  // what the file says and only a restart can do
  base::SystemTime at{};                    // of the last one
};

}  // namespace app
