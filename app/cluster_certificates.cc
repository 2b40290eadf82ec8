#include "app/cluster_certificates.h"

#include <chrono>
#include <iterator>
#include <utility>

#include "base/keep_running.h"
#include "kube/secret_storage.h"

namespace app {
namespace {

// A third of a Lease's time: who comes to lead has then seen for how long the orders of the one before have stood
// still.
constexpr std::chrono::seconds look_at_others_every{5};

}  // namespace

ClusterCertificates::ClusterCertificates(Options options)
    : options_(std::move(options)),
      locks_(options_.client, {.name_space = options_.home, .identity = options_.identity}) {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    base::keep_running("certificates of the cluster", stop, [&] { run(stop); });
  });
  options_.duties.on_lead([this](bool leads) {
    {
      const std::lock_guard lock(mutex_);
      leads_ = leads;
    }
    changed_.notify_all();
  });
}

ClusterCertificates::~ClusterCertificates() {
  options_.duties.on_lead(nullptr);
}

void ClusterCertificates::take(const kube::Changes& changes) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, ingress] : changes.ingresses) {
      if (const auto before = served_.find(name); before != served_.end()) served_uids_.erase(before->second);
      if (ingress) served_uids_.insert(ingress->uid);
      if (ingress) served_.insert_or_assign(name, ingress->uid);
      if (!ingress) served_.erase(name);
    }
    if (wanted_ && changes.certificates.empty()) return;
    auto next = wanted_ ? std::make_shared<Wanted>(*wanted_) : std::make_shared<Wanted>();
    for (const auto& [secret, wanted] : changes.certificates) {
      if (wanted) {
        next->insert_or_assign(secret, *wanted);
      } else {
        next->erase(secret);
      }
    }
    wanted_ = std::move(next);
  }
  changed_.notify_all();
}

// The table waits for the API, so it is not made on the thread that starts everything.
void ClusterCertificates::run(const std::stop_token& stop) {
  kube::SecretChallengeTable challenges(options_.client, {.name_space = options_.home, .identity = options_.identity},
                                        [this](std::shared_ptr<const certstore::Challenges> table) {
                                          options_.gateway.publish_outside_challenges(std::move(table));
                                        });
  while (!stop.stop_requested()) {
    bool mine = false;
    {
      std::unique_lock lock(mutex_);
      // Before it is known what Ingresses ask for, what they asked for before would look as if nobody wanted it.
      mine = changed_.wait_for(lock, stop, look_at_others_every, [this] { return leads_ && wanted_ != nullptr; });
    }
    if (mine) {
      lead(challenges, stop);
    } else if (!stop.stop_requested()) {
      locks_.observe(stop);
    }
  }
}

// Until another replica leads, or the end.
void ClusterCertificates::lead(acme::ChallengeTable& challenges, const std::stop_token& stop) {
  kube::SecretStorage records(options_.client, options_.home);  // interrupted when this ends
  kube::CertificateController controller(
      {.client = options_.client,
       .events = options_.duties.events(),
       .records = records,
       .locks = locks_,
       .challenges = challenges,
       .rules = options_.rules,
       .name_space = options_.name_space,
       .beside = options_.beside,
       .contents = [&records](const std::string& folder) { return records.contents(folder); },
       .interrupt_records = [&records] { records.interrupt(); },
       .serves =
           [this](const std::string& uid) {
             const std::lock_guard guard(mutex_);
             return served_uids_.contains(uid);
           },
       .azure_zones = [this](const config::AzureDns& zone) { return options_.gateway.azure_zone(zone); }});
  // Also where an exception ends this.
  const auto hide = [this](const void* /*shown*/) {
    const std::lock_guard guard(mutex_);
    controller_ = nullptr;
  };
  const std::unique_ptr<const void, decltype(hide)> shown(&controller, hide);
  std::unique_lock lock(mutex_);
  controller_ = &controller;
  std::shared_ptr<const Wanted> told;
  while (leads_ && !stop.stop_requested()) {
    if (wanted_ != told) controller.want(told = wanted_);
    (void)changed_.wait(lock, stop, [&] { return !leads_ || wanted_ != told; });
  }
}

void ClusterCertificates::describe(Observation& seen) const {
  const std::lock_guard lock(mutex_);
  if (controller_ == nullptr) return;
  auto managed = controller_->status();
  std::ranges::move(managed, std::back_inserter(seen.managed));
  seen.issuing = controller_->counters();
}

}  // namespace app
