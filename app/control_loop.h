// The control loop: signals, file changes and the clock, one after the other, on the thread that calls it.
#pragma once

#include <expected>
#include <filesystem>
#include <functional>

#include "app/event_queue.h"
#include "app/gateway.h"
#include "config/diagnostic.h"

namespace app {

// Where the configuration is read from again, on SIGHUP and when the file, or one that it names, changes.
struct ConfigurationFile {
  std::filesystem::path path;  // absolute; empty: there is none
  std::function<std::expected<config::Config, config::Diagnostics>()> load = {};
};

// Until Event::stop; then drains, and returns when all connections have ended. Blocking.
void run_control_loop(Gateway& gateway, EventQueue& events, ConfigurationFile file);

}  // namespace app
