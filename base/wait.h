// Waiting on the control plane: for a time, or until told to stop.
#pragma once

#include <chrono>
#include <stop_token>

namespace base {

// Whether the whole time has passed; false: `stop` was asked for. Blocking.
bool wait_for(std::chrono::milliseconds time, const std::stop_token& stop);

}  // namespace base
