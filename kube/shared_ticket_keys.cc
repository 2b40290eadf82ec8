#include "kube/shared_ticket_keys.h"

#include <algorithm>
#include <utility>

#include "base/keep_running.h"
#include "base/log.h"
#include "base/wait.h"
#include "certstore/ticket_rotation.h"
#include "kube/metadata.h"
#include "kube/ticket_key_secret.h"
#include "kube/wipe_data.h"

namespace kube {
namespace {

using namespace std::chrono_literals;
using certstore::TicketKeySet;

constexpr unsigned most_attempts = 10;  // to write before another replica does
constexpr std::chrono::milliseconds after_conflict = 20ms;
// Replicas do not all begin at the same moment.
constexpr std::chrono::milliseconds most_spread = 30s;
// Tickets of keys that are as old as this have expired long ago: without a Secret each replica goes on by itself.
constexpr int most_periods_alone = 3;

}  // namespace

SharedTicketKeys::SharedTicketKeys(Client& client, Options options)
    : client_(client),
      options_(std::move(options)),
      backoff_(options_.pace),
      watch_(
          client,
          {.resource = resources::secrets,
           .selection = {.name_space = options_.secret.name_space, .fields = "metadata.name=" + options_.secret.name},
           .pace = options_.pace},
          *this) {
  watch_.start();
  thread_ = std::jthread(
      [this](const std::stop_token& stop) { base::keep_running("shared ticket keys", stop, [&] { run(stop); }); });
}

SharedTicketKeys::~SharedTicketKeys() {
  watch_.request_stop();
}

void SharedTicketKeys::wait_until_known(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  (void)changed_.wait_for(lock, patience, [this] { return known_; });
}

SharedTicketKeys::State SharedTicketKeys::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void SharedTicketKeys::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto wait = pause();
    {
      std::unique_lock lock(mutex_);
      (void)changed_.wait_for(lock, stop, wait, [this] { return news_; });
      news_ = false;
    }
    if (!stop.stop_requested()) pass(stop);
  }
}

void SharedTicketKeys::pass(const std::stop_token& stop) {
  const std::chrono::seconds period = options_.period();
  Seen seen = last_seen();
  const std::string where = "Secret " + to_string(options_.secret) + ": ";
  if (period <= 0s || seen.what == Seen::What::nothing_yet) {
    publish(nullptr, Shared::no);
    return say(period <= 0s ? "" : where + "has not been read; sessions are resumed at this replica alone");
  }
  if (seen.what != Seen::What::damaged) damaged_since_.reset();
  if (!is_due(seen, period)) {
    write_problem_.clear();
  } else if (client_.clock().steady() >= not_before_) {
    write(seen, period, stop);
    seen = last_seen();
  }
  use(seen, period);
  say(seen.what == Seen::What::damaged ? where + seen.problem + "; the ticket keys in use stay" : write_problem_);
}

bool SharedTicketKeys::is_due(const Seen& seen, std::chrono::seconds period) {
  if (seen.what == Seen::What::damaged) {
    // Whoever is at it may be about to put it right.
    if (!damaged_since_) damaged_since_ = client_.clock().steady();
    return client_.clock().steady() >= *damaged_since_ + options_.leave_damage;
  }
  if (seen.what == Seen::What::absent) return true;
  TicketKeySet next = seen.set;
  return certstore::rotate(next, client_.clock().now(), period) && next.keys != seen.set.keys;
}

// What is written in the place of `there`; none: nothing has to be, or no random bytes could be had. One that was
// deleted is begun anew, so that whoever wants to be rid of all keys deletes it.
std::optional<TicketKeySet> SharedTicketKeys::next_of(const Seen& there, std::chrono::seconds period) const {
  TicketKeySet next;
  if (there.what == Seen::What::good) next = there.set;
  if (there.what == Seen::What::damaged && keys_ != nullptr) next = *keys_;
  if (!certstore::rotate(next, client_.clock().now(), period)) return std::nullopt;
  if (there.what == Seen::What::good && next.keys == there.set.keys) return std::nullopt;
  return next;
}

void SharedTicketKeys::write(const Seen& seen, std::chrono::seconds period, const std::stop_token& stop) {
  for (unsigned attempt = 0; attempt < most_attempts; ++attempt) {
    auto now = client_.get(resources::secrets, options_.secret, stop);
    if (!now && !now.error().not_found()) return failed(now.error(), stop);
    Seen there = now ? seen_in(*now) : Seen{.what = Seen::What::absent};
    const bool newly_damaged = there.what == Seen::What::damaged && seen.what != Seen::What::damaged;
    const auto next = newly_damaged ? std::nullopt : next_of(there, period);
    if (!next) {
      if (now) wipe_data(*now);
      see(std::move(there));
      return;
    }
    nlohmann::json secret = ticket_key_secret(options_.secret, now ? *std::move(now) : nlohmann::json(), *next);
    auto written =
        now ? client_.update(resources::secrets, secret, {}, stop) : client_.create(resources::secrets, secret, stop);
    wipe_data(secret);
    if (written) {
      see(seen_in(*written));
      wipe_data(*written);
      write_problem_.clear();
      base::log::info("ticket keys written for all replicas", {{"secret", to_string(options_.secret)}});
      return count(&State::written);
    }
    // Gone, or written by another replica: look at it as it is now.
    if (!written.error().conflict() && !written.error().not_found()) return failed(written.error(), stop);
    count(&State::lost);
    if (!base::wait_for(after_conflict * attempt, stop)) return;
  }
}

void SharedTicketKeys::failed(const ApiFailure& failure, const std::stop_token& stop) {
  if (stop.stop_requested()) return;
  count(&State::failed);
  const auto now = client_.clock().steady();
  not_before_ = now + backoff_.after_failure(now, std::uniform_real_distribution<>(0, 1)(generator_));
  write_problem_ = "the ticket keys of all replicas are not rotated: " + failure.error.what;
}

void SharedTicketKeys::use(const Seen& seen, std::chrono::seconds period) {
  const bool good = seen.what == Seen::What::good;
  if (!good && keys_ == nullptr) return publish(nullptr, Shared::no);
  const base::SystemTime now = client_.clock().now();
  TicketKeySet keys = good ? seen.set : *keys_;
  if (now < keys.keys.front().from + most_periods_alone * period) {
    alone_.reset();
  } else {
    if (!alone_) alone_ = keys;
    if (certstore::rotate(*alone_, now, period)) keys = *alone_;
  }
  certstore::choose_current(keys, now);
  const Shared shared = good && !alone_ ? Shared::yes : Shared::no;
  const bool same = keys_ != nullptr && keys_->keys == keys.keys && keys_->current == keys.current;
  publish(same ? keys_ : std::make_shared<const TicketKeySet>(keys), shared);
}

void SharedTicketKeys::publish(Keys keys, Shared shared) {
  if (keys != keys_) options_.publish(keys);
  keys_ = std::move(keys);
  const std::lock_guard lock(mutex_);
  state_.shared = shared == Shared::yes;
  state_.sealing_since = keys_ == nullptr ? base::SystemTime{} : keys_->keys[keys_->current].from;
  if (seen_.what == Seen::What::nothing_yet) return;
  known_ = true;
  changed_.notify_all();
}

void SharedTicketKeys::say(std::string problem) {
  {
    const std::lock_guard lock(mutex_);
    if (state_.problem == problem) return;
    state_.problem = problem;
  }
  if (!problem.empty()) base::log::warning("ticket keys", {{"problem", problem}});
}

std::chrono::milliseconds SharedTicketKeys::pause() {
  using std::chrono::duration_cast;
  using std::chrono::milliseconds;
  milliseconds wait = options_.look_again;
  if (keys_ != nullptr) {
    const auto left = std::chrono::ceil<milliseconds>(keys_->keys.front().from - client_.clock().now());
    const milliseconds spread = std::min<milliseconds>(most_spread, options_.period() / 10);
    const milliseconds late(std::uniform_int_distribution<milliseconds::rep>(0, spread.count())(generator_));
    // It may have become time since it was last looked.
    wait = std::min(wait, left > 0ms ? left + late : milliseconds(1s));
  }
  const auto steady = client_.clock().steady();
  if (not_before_ > steady) wait = std::min(wait, duration_cast<milliseconds>(not_before_ - steady));
  return std::max(wait, 1ms);
}

SharedTicketKeys::Seen SharedTicketKeys::seen_in(const nlohmann::json& object) {
  auto keys = ticket_keys_in(object);
  if (!keys) return {.what = Seen::What::damaged, .problem = keys.error().what};
  return {.what = Seen::What::good, .set = *keys};
}

SharedTicketKeys::Seen SharedTicketKeys::last_seen() const {
  const std::lock_guard lock(mutex_);
  return seen_;
}

void SharedTicketKeys::see(Seen seen) {
  const std::lock_guard lock(mutex_);
  seen_ = std::move(seen);
  news_ = true;
  changed_.notify_all();
}

void SharedTicketKeys::count(std::uint64_t State::* what) {
  const std::lock_guard lock(mutex_);
  ++(state_.*what);
}

void SharedTicketKeys::replaced(std::vector<nlohmann::json> objects) {
  for (nlohmann::json& object : objects) changed(std::move(object));
}

void SharedTicketKeys::changed(nlohmann::json object) {
  if (name_of(object) == options_.secret) see(seen_in(object));
  wipe_data(object);
}

void SharedTicketKeys::deleted(const ObjectName& name) {
  if (name == options_.secret) see({.what = Seen::What::absent});
}

void SharedTicketKeys::synced() {
  const std::lock_guard lock(mutex_);
  if (seen_.what == Seen::What::nothing_yet) seen_.what = Seen::What::absent;
  news_ = true;
  changed_.notify_all();
}

}  // namespace kube
