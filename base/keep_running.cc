#include "base/keep_running.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <string>

#include "base/log.h"
#include "base/wait.h"

namespace base {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_pause{1'000};
constexpr milliseconds longest_pause{60'000};

std::atomic<std::uint64_t> escaped{0};

void tell(std::string_view what, const char* problem) noexcept {
  ++escaped;
  try {
    log::error("the control plane has met an exception and goes on", {{"in", std::string(what)}, {"error", problem}});
  } catch (const std::exception&) {
    // Without memory there is no line; the count is there.
  }
}

}  // namespace

bool attempt(std::string_view what, const std::function<void()>& work) noexcept {
  try {
    work();
    return true;
  } catch (const std::exception& problem) {
    tell(what, problem.what());
  } catch (...) {
    tell(what, "something that is no std::exception");
  }
  return false;
}

void keep_running(std::string_view what, const std::stop_token& stop, const std::function<void()>& loop) noexcept {
  milliseconds pause = first_pause;
  for (;;) {
    const auto began = std::chrono::steady_clock::now();
    if (attempt(what, loop)) return;
    if (std::chrono::steady_clock::now() - began > 2 * longest_pause) pause = first_pause;
    if (!wait_for(pause, stop)) return;
    pause = std::min(2 * pause, longest_pause);
  }
}

Error escaped_error() {
  return {Code::internal, "an error of sekisho's own, see its log"};
}

std::uint64_t escaped_exceptions() noexcept {
  return escaped;
}

}  // namespace base
