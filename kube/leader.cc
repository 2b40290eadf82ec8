#include "kube/leader.h"

#include <chrono>
#include <utility>

#include "base/keep_running.h"
#include "base/log.h"
#include "base/wait.h"

namespace kube {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::milliseconds patience = 1h;  // of one try; it is tried for ever
constexpr std::chrono::milliseconds after_failure = 3s;
constexpr std::chrono::milliseconds look_every = 500ms;

}  // namespace

Leader::Leader(acme::Locks& locks, std::string name, std::function<void(bool)> changed)
    : locks_(locks), name_(std::move(name)), changed_(std::move(changed)), thread_([this](const std::stop_token& stop) {
        base::keep_running("leader of the replicas", stop, [&] { run(stop); });
      }) {}

Leader::~Leader() = default;

void Leader::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto lock = locks_.take(name_, patience, stop);
    if (lock) {
      hold(**lock, stop);
      continue;
    }
    if (lock.error().code == base::Code::timeout || lock.error().code == base::Code::cancelled) continue;
    base::log::warning("it is not known who leads", {{"reason", lock.error().what}});
    (void)base::wait_for(after_failure, stop);
  }
}

void Leader::hold(const acme::Lock& lock, const std::stop_token& stop) {
  leads_ = true;
  base::log::info("this replica leads");
  try {
    changed_(true);
    while (lock.still_held() && base::wait_for(look_every, stop)) {
    }
  } catch (...) {
    // The lock goes with this: nobody may go on as if it were held.
    leads_ = false;
    changed_(false);
    throw;
  }
  leads_ = false;
  if (!stop.stop_requested()) base::log::warning("this replica leads no more");
  changed_(false);
}

}  // namespace kube
