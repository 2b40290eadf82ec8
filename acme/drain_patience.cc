#include "acme/drain_patience.h"

#include <condition_variable>
#include <mutex>
#include <utility>

namespace acme {

DrainPatience::DrainPatience(std::chrono::milliseconds patience, std::stop_token drain)
    : waiting_([this, patience, drain = std::move(drain)](const std::stop_token& done) {
        std::mutex mutex;
        std::condition_variable_any changed;
        const std::stop_callback begun(drain, [&] {
          const std::lock_guard lock(mutex);
          changed.notify_all();
        });
        std::unique_lock lock(mutex);
        if (!changed.wait(lock, done, [&] { return drain.stop_requested(); })) return;
        changed.wait_for(lock, done, patience, [] { return false; });
        if (!done.stop_requested()) ended_.request_stop();
      }) {}

}  // namespace acme
