#include "proxy/monitor_watch.h"

#include "base/log.h"

namespace proxy {

void log_escaped(const std::exception_ptr& escaped) {
  if (!escaped) return;
  try {
    std::rethrow_exception(escaped);
  } catch (const std::exception& error) {
    base::log::error("backend monitor: a task ended with an exception", {{"what", error.what()}});
  }
}

}  // namespace proxy
