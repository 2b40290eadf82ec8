#include "app/control_loop.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "app/reload_decisions.h"
#include "base/keep_running.h"
#include "base/log.h"
#include "config/quantities.h"
#include "config/watch.h"

namespace app {
namespace {

using Steady = std::chrono::steady_clock;

constexpr std::chrono::seconds tick_every{5};

class ControlLoop {
 public:
  ControlLoop(Gateway& gateway, EventQueue& events, ConfigurationFile file)
      : gateway_(gateway), events_(events), file_(std::move(file.path)), load_(std::move(file.load)) {}

  void run() {
    if (!file_.empty()) watch();
    auto next_tick = Steady::now() + tick_every;
    for (;;) {
      const std::optional<Event> event = events_.take_until(next_tick);
      if (!event) {
        static_cast<void>(base::attempt("what becomes due with time", [&] { gateway_.tick(); }));
        next_tick = Steady::now() + tick_every;
      } else if (*event == Event::stop) {
        break;
      } else {
        static_cast<void>(base::attempt("reload of the configuration", [&] { reload(*event); }));
      }
    }
    drain();
  }

 private:
  void watch() {
    watch_.emplace(watched(), [this](const std::vector<std::filesystem::path>& changed) {
      const bool file = std::ranges::find(changed, file_) != changed.end();
      const bool others = std::ranges::any_of(changed, [this](const auto& path) { return path != file_; });
      if (file) events_.put(Event::file_changed);
      if (others) events_.put(Event::trust_changed);
    });
  }

  [[nodiscard]] std::vector<std::filesystem::path> watched() const {
    std::vector<std::filesystem::path> paths = trust_files(*gateway_.config());
    paths.push_back(file_);
    return paths;
  }

  void reload(Event cause) {
    if (file_.empty()) return;
    auto parsed = load_();
    if (!parsed) return gateway_.count_refused(parsed.error());
    // A file that was touched, or that SIGHUP has made us read already.
    const bool same = *parsed == *gateway_.config() && !gateway_.last_reload_refused();
    if (cause == Event::file_changed && same) return;
    if (gateway_.reload(*parsed)) watch_->set_paths(watched());
  }

  void drain() {
    const config::Drain settings = gateway_.config()->drain;
    base::log::info("draining",
                    {{"grace", config::to_string(settings.grace)}, {"deadline", config::to_string(settings.deadline)}});
    watch_.reset();
    gateway_.begin_drain();
    const auto until = Steady::now() + settings.grace;
    // Load balancers look away in this time. A second signal ends the process elsewhere; other events no longer matter.
    while (events_.take_until(until)) {
    }
    gateway_.drain(settings.deadline);
    base::log::info("drained");
    events_.finish();
  }

  Gateway& gateway_;
  EventQueue& events_;
  std::filesystem::path file_;
  std::function<std::expected<config::Config, config::Diagnostics>()> load_;
  std::optional<config::FileWatch> watch_;
};

}  // namespace

void run_control_loop(Gateway& gateway, EventQueue& events, ConfigurationFile file) {
  ControlLoop(gateway, events, std::move(file)).run();
}

}  // namespace app
