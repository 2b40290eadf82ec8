// What a thread of the control plane runs in: an exception that escapes ends neither the thread nor the process.
#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>
#include <string_view>

namespace base {

// Runs `loop`, which returns only when there is nothing more to do or `stop` was asked for. If an exception escapes
// from it (a fault of ours, or no memory), that is logged with `what` and counted, and after a pause (one second,
// doubled up to a minute) `loop` runs again from its beginning; what it keeps between its rounds has to be good then.
// Blocking.
void keep_running(std::string_view what, const std::stop_token& stop, const std::function<void()>& loop) noexcept;

// Runs `work` once. False: an exception has escaped from it, which is logged and counted the same way.
[[nodiscard]] bool attempt(std::string_view what, const std::function<void()>& work) noexcept;

// How often that has happened in this process.
[[nodiscard]] std::uint64_t escaped_exceptions() noexcept;

}  // namespace base
