#include "app/cluster_duties.h"

#include <chrono>
#include <utility>

#include "base/log.h"
#include "base/wait.h"
#include "kube/lease_record.h"
#include "kube/object_names.h"
#include "kube/stop_after.h"

namespace app {
namespace {

using namespace std::chrono_literals;

// Others look for the Lease every two seconds.
constexpr std::chrono::milliseconds others_take_over_within = 6s;
constexpr std::chrono::milliseconds look_every = 250ms;
constexpr std::chrono::milliseconds clear_within = 5s;

}  // namespace

ClusterDuties::ClusterDuties(kube::Client& client, Options options)
    : client_(client),
      options_(std::move(options)),
      events_(client, {.instance = options_.instance}),
      status_(client),
      mirrors_(client, events_, options_.mirrors),
      locks_(client, {.name_space = options_.name_space, .identity = options_.identity}),
      leader_(std::make_unique<kube::Leader>(locks_, options_.lease, [this](bool leads) { lead(leads); })) {}

ClusterDuties::~ClusterDuties() = default;

void ClusterDuties::take(const kube::Changes& changes) {
  for (const auto& [name, ref] : changes.ingresses) status_.ours(name, ref.has_value());
  const std::lock_guard lock(mutex_);
  for (const kube::Notice& notice : changes.vanished) notices_.erase(notice);
  for (const kube::Notice& notice : changes.appeared) {
    notices_.insert(notice);
    if (leads_) events_.tell(notice);
  }
}

// What has appeared while nobody led has been told by nobody.
void ClusterDuties::lead(bool leads) {
  {
    const std::lock_guard lock(mutex_);
    leads_ = leads;
    if (leads) {
      for (const kube::Notice& notice : notices_) events_.tell(notice);
    }
    if (on_lead_) on_lead_(leads);
  }
  status_.lead(leads);
  mirrors_.lead(leads);
}

void ClusterDuties::on_lead(std::function<void(bool)> changed) {
  const std::lock_guard lock(mutex_);
  on_lead_ = std::move(changed);
  if (on_lead_) on_lead_(leads_);
}

bool ClusterDuties::somebody_leads(const std::stop_token& stop) {
  const kube::ObjectName name{options_.name_space, kube::lease_name(options_.lease)};
  const auto lease = client_.get(kube::resources::leases, name, stop);
  // While the API does not answer nobody can tell, and what is written stays.
  if (!lease) return !lease.error().not_found();
  const std::string holder = kube::lease_from(*lease).holder;
  return !holder.empty() && holder != options_.identity;
}

void ClusterDuties::leave() {
  const bool led = leader_->leads();
  leader_.reset();
  if (!led) return;
  const auto end = std::chrono::steady_clock::now() + others_take_over_within;
  while (std::chrono::steady_clock::now() < end) {
    if (somebody_leads({})) return;
    (void)base::wait_for(look_every, {});
  }
  base::log::info("no other replica serves: the status of Ingresses is cleared");
  const kube::StopAfter late(clear_within);
  status_.clear(late.token());
}

void ClusterDuties::describe(ClusterView& view) const {
  const kube::StatusWriter::Counters status = status_.counters();
  view.status_pending = status.pending;
  view.status_writes = status.written;
  view.status_failures = status.failed;
  view.events = events_.counters();
  view.mirrors = mirrors_.states();
  const std::lock_guard lock(mutex_);
  view.leads = leads_;
  view.notices.assign(notices_.begin(), notices_.end());
  for (const kube::Notice& notice : notices_) ++view.notices_by_reason[notice.reason];
}

}  // namespace app
