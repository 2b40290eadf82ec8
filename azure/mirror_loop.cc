#include "azure/mirror_loop.h"

#include <algorithm>
#include <iterator>
#include <set>
#include <utility>

#include "base/keep_running.h"
#include "base/log.h"
#include "base/wait.h"

namespace azure {

using std::chrono::milliseconds;
using What = MirrorState::What;

namespace {

constexpr std::chrono::minutes before_it_is_told{1};

std::vector<MirrorItem> to_be_written(const std::vector<MirrorItem>& items) {
  std::vector<MirrorItem> all;
  std::ranges::copy_if(items, std::back_inserter(all), [](const MirrorItem& item) { return item.refusal.empty(); });
  return all;
}

}  // namespace

MirrorLoop::MirrorLoop(std::unique_ptr<Mirror> mirror, Options options)
    : mirror_(std::move(mirror)),
      options_([&] {
        if (!options.wait) options.wait = base::wait_for;
        return std::move(options);
      }()),
      rest_(options_.wait),
      pause_(options.first_pause),
      random_(std::random_device{}()),
      thread_([this](const std::stop_token& stop) { base::keep_running("mirror", stop, [&] { run(stop); }); }) {}

MirrorLoop::~MirrorLoop() {
  thread_ = {};
}

void MirrorLoop::want(std::vector<MirrorItem> items) {
  std::ranges::sort(items, {}, key_of);
  const std::lock_guard lock(mutex_);
  tell_refused();
  if (items == wanted_) return;
  const bool other_writes = to_be_written(items) != to_be_written(wanted_);
  std::set<Key> were_refused;
  for (const MirrorItem& item : wanted_) {
    if (!item.refusal.empty()) were_refused.insert(key_of(item));
  }
  wanted_ = std::move(items);
  std::map<Key, MirrorState> states;
  for (const MirrorItem& item : wanted_) {
    MirrorState state{.certificate_name = item.certificate_name,
                      .name = item.name,
                      .fingerprint = item.certificate == nullptr ? std::string() : item.certificate->fingerprint(),
                      .since = options_.clock.now(),
                      .problem = {}};
    const auto before = states_.find(key_of(item));
    // It is as far as it was, but for one that has become another.
    if (before != states_.end() && before->second.fingerprint == state.fingerprint) state = before->second;
    if (before != states_.end() && before->second.what != What::in_step) state.since = before->second.since;
    if (!item.refusal.empty()) {
      take_refused(item, state);
    } else if (were_refused.contains(key_of(item))) {
      state.what = What::behind;
      state.problem.clear();
      told_.erase(key_of(item));
    }
    states.emplace(key_of(item), std::move(state));
  }
  states_ = std::move(states);
  std::erase_if(told_, [&](const auto& told) { return !states_.contains(told.first); });
  if (!other_writes) return;
  attempt_.request_stop();
  rest_.wake();
}

void MirrorLoop::take_refused(const MirrorItem& item, MirrorState& state) const {
  if (state.what == What::in_step) state.since = options_.clock.now();
  state.what = What::refused;
  state.problem = item.refusal;
}

// Not at once: at the start there is not everything yet.
void MirrorLoop::tell_refused() {
  for (const MirrorItem& item : wanted_) {
    if (item.refusal.empty() || !leads_) continue;
    const auto state = states_.find(key_of(item));
    if (state == states_.end() || options_.clock.now() - state->second.since < before_it_is_told) continue;
    std::string& told = told_[key_of(item)];
    if (told == item.refusal) continue;
    told = item.refusal;
    base::log::warning(
        "a certificate is not mirrored",
        {{"mirror", where()}, {"certificate", item.certificate_name}, {"as", item.name}, {"reason", item.refusal}});
  }
}

bool MirrorLoop::idle() const {
  return !leads_ || std::ranges::all_of(wanted_, [](const MirrorItem& item) { return !item.refusal.empty(); });
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
    const bool nothing_to_do = idle();
    lock.unlock();
    const Rest::End end = rest_.wait(nothing_to_do ? options_.look_again : wait, stop);
    lock.lock();
    if (end == Rest::End::stopped) return;
    if (idle()) continue;
    if (end == Rest::End::woken) {
      lock.unlock();
      const bool whole = options_.wait(options_.gather, stop);
      lock.lock();
      if (!whole) return;
      pause_ = options_.first_pause;
      rest_.forget();
      if (idle()) continue;  // meanwhile
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
    if (!item.refusal.empty()) continue;
    const auto state = states_.find(key_of(item));
    // It may have become another meanwhile.
    if (state == states_.end() || state->second.fingerprint != item.certificate->fingerprint()) continue;
    const auto found = outcome.items.find(item.name);
    const MirrorOutcome::Finding finding = found == outcome.items.end() ? MirrorOutcome::Finding{} : found->second;
    MirrorState& before = state->second;
    const bool was_in_step = before.what == What::in_step;
    if ((outcome.blind || finding.as_before) && was_in_step) {
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
  const bool all_good = std::ranges::all_of(wanted_, [&](const MirrorItem& item) {
    return !item.refusal.empty() || states_.at(key_of(item)).what == What::in_step;
  });
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
  for (const auto& [key, state] : states_) states.push_back(state);
  return states;
}

}  // namespace azure
