#include "kube/lease_locks.h"

#include <algorithm>
#include <atomic>
#include <random>
#include <thread>
#include <utility>

#include <fmt/format.h>

#include "base/keep_running.h"
#include "base/log.h"
#include "base/wait.h"
#include "kube/object_names.h"

namespace kube {
namespace {

constexpr std::size_t most_observed = 20'000;
constexpr std::chrono::milliseconds first_look{50};
constexpr auto own_leases = "app.kubernetes.io/managed-by=sekisho";

}  // namespace

// Renewed by a thread of its own as long as it lives.
class LeaseLocks::Held final : public acme::Lock {
 public:
  Held(LeaseLocks& owner, LeaseRecord lease, base::SteadyTime asked)
      : owner_(owner), lease_(std::move(lease)), renewed_(asked), thread_([this](const std::stop_token& stop) {
          base::keep_running("renewal of a Lease", stop, [&] { keep(stop); });
        }) {}

  ~Held() override {
    thread_.request_stop();
    thread_.join();
    if (still_held()) static_cast<void>(base::attempt("release of a Lease", [this] { owner_.release(lease_); }));
    owner_.free_here(lease_.name.name);
  }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;

  // Counted from when the renewal was sent: the server cannot have taken it for later than that.
  [[nodiscard]] bool still_held() const override {
    return !lost_ && owner_.client_.clock().steady() - renewed_.load() < owner_.options_.renew_deadline;
  }

 private:
  void keep(const std::stop_token& stop) {
    while (base::wait_for(owner_.options_.retry, stop) && !lost_) renew(stop);
  }

  void renew(const std::stop_token& stop) {
    const base::SteadyTime asked = owner_.client_.clock().steady();
    LeaseRecord next = lease_;
    next.renewed = owner_.client_.clock().now();
    const auto answer = owner_.client_.update(resources::leases, to_json(next), {}, stop);
    if (answer) {
      lease_ = lease_from(*answer);
      renewed_ = asked;
      return;
    }
    if (stop.stop_requested()) return;
    const ApiFailure& failure = answer.error();
    // 409: somebody has written it. That may have been we, where the answer to a renewal was lost.
    if (failure.conflict()) return look_again(stop);
    lost_ = failure.not_found();
    base::log::warning("a Lease is not renewed", {{"lease", lease_.name.name}, {"reason", failure.error.what}});
  }

  void look_again(const std::stop_token& stop) {
    const auto now = owner_.client_.get(resources::leases, lease_.name, stop);
    if (!now) {
      lost_ = now.error().not_found();
      return;
    }
    LeaseRecord lease = lease_from(*now);
    lost_ = lease.holder != owner_.options_.identity;
    if (!lost_) lease_ = std::move(lease);
  }

  LeaseLocks& owner_;
  LeaseRecord lease_;  // of the thread, and of the destructor after it
  std::atomic<base::SteadyTime> renewed_;
  std::atomic<bool> lost_{false};
  std::jthread thread_;
};

LeaseLocks::LeaseLocks(Client& client, Options options) : client_(client), options_(std::move(options)) {}

LeaseLocks::~LeaseLocks() = default;

base::Result<std::unique_ptr<acme::Lock>> LeaseLocks::take(const std::string& name, std::chrono::milliseconds patience,
                                                           std::stop_token stop) {
  const ObjectName lease{options_.name_space, lease_name(name)};
  const auto end = std::chrono::steady_clock::now() + patience;
  for (auto pause = first_look;; pause = std::min(2 * pause, options_.retry)) {
    bool mine = false;
    {
      const std::lock_guard lock(mutex_);
      mine = held_here_.try_emplace(lease.name, true).second;
    }
    if (mine) {
      // Also where an exception ends this: nobody in this process could ever take it again.
      const auto free = [this](const std::string* claimed) { free_here(*claimed); };
      std::unique_ptr<const std::string, decltype(free)> claim(&lease.name, free);
      const base::SteadyTime asked = client_.clock().steady();
      auto taken = try_once(lease, stop);
      if (taken && *taken) {
        std::unique_ptr<acme::Lock> held = std::make_unique<Held>(*this, *std::move(*taken), asked);
        static_cast<void>(claim.release());  // it frees it itself
        return held;
      }
      claim.reset();
      if (!taken) return std::unexpected(std::move(taken.error().error).in("lock " + name));
    }
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return base::fail(base::Code::timeout, "lock " + name + ": somebody else has it");
    if (!base::wait_for(std::min(pause, left), stop)) {
      return base::fail(base::Code::cancelled, "lock " + name + ": stopped");
    }
  }
}

void LeaseLocks::observe(const std::stop_token& stop) {
  const auto listed =
      client_.list(resources::leases, {.name_space = options_.name_space, .labels = own_leases, .fields = {}}, stop);
  if (!listed) return;
  const base::SteadyTime now = client_.clock().steady();
  std::map<std::string, LeaseObserver> seen;
  const std::lock_guard lock(mutex_);
  for (const nlohmann::json& object : listed->items) {
    if (seen.size() >= most_observed) break;
    const LeaseRecord lease = lease_from(object);
    LeaseObserver& observer = seen[lease.name.name];
    if (const auto before = seen_.find(lease.name.name); before != seen_.end()) observer = before->second;
    (void)observer.free(lease, now);
  }
  seen_ = std::move(seen);
}

// Nothing: somebody else has it.
Outcome<std::optional<LeaseRecord>> LeaseLocks::try_once(const ObjectName& name, const std::stop_token& stop) {
  const auto now = client_.get(resources::leases, name, stop);
  if (now) {
    LeaseRecord lease = lease_from(*now);
    {
      const std::lock_guard lock(mutex_);
      if (seen_.size() >= most_observed) seen_.clear();  // costs a Lease's time once more
      if (!seen_[name.name].free(lease, client_.clock().steady())) return std::nullopt;
    }
    return take_over(std::move(lease), stop);
  }
  if (!now.error().not_found()) return std::unexpected(now.error());
  LeaseRecord lease{.name = name,
                    .holder = options_.identity,
                    .duration = options_.duration,
                    .acquired = client_.clock().now(),
                    .renewed = client_.clock().now()};
  const auto made = client_.create(resources::leases, to_json(lease), stop);
  if (made) return lease_from(*made);
  if (made.error().conflict()) return std::nullopt;
  return std::unexpected(made.error());
}

Outcome<std::optional<LeaseRecord>> LeaseLocks::take_over(LeaseRecord lease, const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    seen_.erase(lease.name.name);
  }
  lease.holder = options_.identity;
  lease.duration = options_.duration;
  lease.acquired = client_.clock().now();
  lease.renewed = lease.acquired;
  ++lease.transitions;
  const auto taken = client_.update(resources::leases, to_json(lease), {}, stop);
  if (taken) return lease_from(*taken);
  // Another was quicker, or it was deleted by who let it go.
  if (taken.error().conflict() || taken.error().not_found()) return std::nullopt;
  return std::unexpected(taken.error());
}

// A Lease that nobody holds is of no use to anybody: with one for each certificate they would only pile up.
void LeaseLocks::release(const LeaseRecord& lease) {
  const auto deleted =
      client_.remove(resources::leases, lease.name, {.uid = lease.uid, .resource_version = lease.resource_version});
  if (deleted || deleted.error().not_found() || deleted.error().conflict()) return;
  LeaseRecord free = lease;
  free.holder.clear();
  free.duration = std::chrono::seconds(1);
  free.renewed = client_.clock().now();
  if (const auto let_go = client_.update(resources::leases, to_json(free)); !let_go) {
    base::log::warning("a Lease is not let go", {{"lease", lease.name.name}, {"reason", let_go.error().error.what}});
  }
}

void LeaseLocks::free_here(const std::string& name) {
  const std::lock_guard lock(mutex_);
  held_here_.erase(name);
}

}  // namespace kube
