#include "azure/mirror_loop.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "base/wait.h"

namespace azure {

using std::chrono::milliseconds;
using What = MirrorState::What;

MirrorLoop::MirrorLoop(std::unique_ptr<Mirror> mirror, Options options)
    : mirror_(std::move(mirror)),
      options_([&] {
        if (!options.wait) options.wait = base::wait_for;
        return std::move(options);
      }()),
      rest_(options_.wait),
      pause_(options.first_pause),
      random_(std::random_device{}()),
      thread_([this](const std::stop_token& stop) { run(stop); }) {}

MirrorLoop::~MirrorLoop() {
  thread_ = {};
}

void MirrorLoop::want(std::vector<MirrorItem> items) {
  std::ranges::sort(items, {}, &MirrorItem::name);
  const std::lock_guard lock(mutex_);
  if (items == wanted_) return;
  wanted_ = std::move(items);
  const base::SystemTime now = options_.clock.now();
  std::map<std::string, MirrorState> states;
  for (const MirrorItem& item : wanted_) {
    MirrorState state{.certificate_name = item.certificate_name,
                      .name = item.name,
                      .fingerprint = item.certificate->fingerprint(),
                      .since = now,
                      .problem = {}};
    const auto before = states_.find(item.name);
    // It is as far as it was, but for one that has become another.
    if (before != states_.end() && before->second.fingerprint == state.fingerprint) state = before->second;
    if (before != states_.end() && before->second.what != What::in_step) state.since = before->second.since;
    states.emplace(item.name, std::move(state));
  }
  states_ = std::move(states);
  attempt_.request_stop();
  rest_.wake();
}

void MirrorLoop::lead(bool leads) {
  const std::lock_guard lock(mutex_);
  if (leads_ == leads) return;
  leads_ = leads;
  attempt_.request_stop();
  rest_.wake();
}

void MirrorLoop::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  milliseconds wait{0};
  while (!stop.stop_requested()) {
    const bool idle = !leads_ || wanted_.empty();
    lock.unlock();
    const Rest::End end = rest_.wait(idle ? options_.look_again : wait, stop);
    lock.lock();
    if (end == Rest::End::stopped) return;
    if (!leads_ || wanted_.empty()) continue;
    if (end == Rest::End::woken) {
      lock.unlock();
      const bool whole = options_.wait(options_.gather, stop);
      lock.lock();
      if (!whole) return;
      pause_ = options_.first_pause;
      rest_.forget();
      if (!leads_ || wanted_.empty()) continue;  // meanwhile
    }
    const std::vector<MirrorItem> wanted = wanted_;
    std::stop_source attempt;
    attempt_ = attempt;
    lock.unlock();
    const MirrorOutcome outcome = [&] {
      const std::stop_callback with_thread(stop, [&] { attempt.request_stop(); });
      return mirror_->reconcile(wanted, attempt.get_token());
    }();
    lock.lock();
    // What it found is of another time; the next begins soon.
    if (attempt.stop_requested()) continue;
    take(wanted, outcome);
    wait = pause_after(outcome);
  }
}

void MirrorLoop::take(const std::vector<MirrorItem>& wanted, const MirrorOutcome& outcome) {
  for (const MirrorItem& item : wanted) {
    const auto state = states_.find(item.name);
    // It may have become another meanwhile.
    if (state == states_.end() || state->second.fingerprint != item.certificate->fingerprint()) continue;
    const auto found = outcome.items.find(item.name);
    const MirrorOutcome::Finding finding = found == outcome.items.end() ? MirrorOutcome::Finding{} : found->second;
    MirrorState& before = state->second;
    const bool was_in_step = before.what == What::in_step;
    if (outcome.blind && was_in_step) {
      before.problem = finding.problem;
      continue;
    }
    if (was_in_step != (finding.what == What::in_step)) before.since = options_.clock.now();
    if (!was_in_step && finding.what == What::in_step) {
      base::log::info("a certificate is mirrored", {{"mirror", where()},
                                                    {"certificate", item.certificate_name},
                                                    {"as", item.name},
                                                    {"fingerprint", before.fingerprint}});
    } else if (!finding.problem.empty() && finding.problem != before.problem) {
      base::log::warning("a mirror has a problem", {{"mirror", where()},
                                                    {"certificate", item.certificate_name},
                                                    {"as", item.name},
                                                    {"reason", finding.problem}});
    }
    before.what = finding.what;
    before.problem = finding.problem;
  }
}

milliseconds MirrorLoop::pause_after(const MirrorOutcome& outcome) {
  const bool all_good =
      std::ranges::all_of(wanted_, [&](const MirrorItem& item) { return states_.at(item.name).what == What::in_step; });
  if (all_good) pause_ = options_.first_pause;
  milliseconds wait = all_good ? options_.look_again : pause_;
  if (!all_good) pause_ = std::min(2 * pause_, options_.longest_pause);
  // Replicas and clusters that began together are not to meet each time.
  wait -= std::uniform_int_distribution<milliseconds::rep>(0, wait.count() / 4)(random_) * milliseconds(1);
  return std::max(wait, outcome.again.value_or(milliseconds(0)));
}

std::vector<MirrorState> MirrorLoop::states() const {
  const std::lock_guard lock(mutex_);
  std::vector<MirrorState> states;
  if (!leads_) return states;
  for (const auto& [name, state] : states_) states.push_back(state);
  return states;
}

}  // namespace azure
