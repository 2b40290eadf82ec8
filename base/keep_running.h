// What a thread of the control plane runs in: an exception that escapes ends neither the thread nor the process.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <stop_token>
#include <string_view>
#include <type_traits>

#include "base/error.h"

namespace base {

// Runs `loop`, which returns only when there is nothing more to do or `stop` was asked for. If an exception escapes
// from it (a fault of ours, or no memory), that is logged with `what` and counted, and after a pause (one second,
// doubled up to a minute) `loop` runs again from its beginning; what it keeps between its rounds has to be good then.
// Blocking.
void keep_running(std::string_view what, const std::stop_token& stop, const std::function<void()>& loop) noexcept;

// Runs `work` once. False: an exception has escaped from it, which is logged and counted the same way.
[[nodiscard]] bool attempt(std::string_view what, const std::function<void()>& work) noexcept;

// Stands for the result of what an exception has escaped from; its log has the rest.
[[nodiscard]] Error escaped_error();

// What `work` gives, a Result; escaped_error() where an exception has escaped from it.
template <class Work>
[[nodiscard]] std::invoke_result_t<Work> attempted(std::string_view what, Work work) {
  std::invoke_result_t<Work> result = std::unexpected(escaped_error());
  static_cast<void>(attempt(what, [&] { result = work(); }));
  return result;
}

// How often that has happened in this process.
[[nodiscard]] std::uint64_t escaped_exceptions() noexcept;

}  // namespace base
