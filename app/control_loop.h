// The control loop: signals, file changes and the clock, one after the other, on the thread that calls it.
#pragma once

#include <filesystem>

#include "app/event_queue.h"
#include "app/gateway.h"

namespace app {

// Until Event::stop; then drains, and returns when all connections have ended. With a `file` the configuration is read
// again from it on SIGHUP and when it, or a file that it names, changes; empty: there is none. Blocking.
void run_control_loop(Gateway& gateway, EventQueue& events, const std::filesystem::path& file);

}  // namespace app
