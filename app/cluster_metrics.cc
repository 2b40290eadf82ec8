#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "app/metrics.h"

namespace app {

using prometheus::MetricType;

namespace {

double age(base::SystemTime at, base::SystemTime now) {
  if (at == base::SystemTime{}) return 0;
  return std::max(0.0, std::chrono::duration<double>(now - at).count());
}

void add_watches(MetricFamilies& families, const Observation& seen) {
  struct Series {
    const char* name;
    const char* help;
    MetricType type;
    double (*value)(const kube::WatchState&, base::SystemTime now);
  };
  using State = const kube::WatchState&;
  using Now = base::SystemTime;
  static constexpr Series all[] = {
      {"sekisho_kube_watch_synced", "1 if all objects of this kind have been read once.", MetricType::Gauge,
       [](State state, Now) { return state.synced ? 1.0 : 0.0; }},
      {"sekisho_kube_watch_connected", "1 if the last that was asked of the API for this kind succeeded.",
       MetricType::Gauge, [](State state, Now) { return state.connected ? 1.0 : 0.0; }},
      {"sekisho_kube_watch_silence_seconds", "Seconds since anything came from the API for this kind.",
       MetricType::Gauge, [](State state, Now now) { return age(state.last_contact, now); }},
      {"sekisho_kube_watch_objects", "Objects of this kind.", MetricType::Gauge,
       [](State state, Now) { return static_cast<double>(state.objects); }},
      {"sekisho_kube_watch_events_total", "Changes that the API told.", MetricType::Counter,
       [](State state, Now) { return static_cast<double>(state.events); }},
      {"sekisho_kube_watch_failures_total", "Failed attempts to list or watch.", MetricType::Counter,
       [](State state, Now) { return static_cast<double>(state.failures); }},
      {"sekisho_kube_watch_relists_total", "Times that everything was read again.", MetricType::Counter,
       [](State state, Now) { return static_cast<double>(state.lists > 0 ? state.lists - 1 : 0); }},
  };
  for (const Series& series : all) {
    Family family(families, series.name, series.help, series.type);
    for (const WatchedKind& watch : seen.cluster->watches) {
      family.add({{"resource", watch.resource}}, series.value(watch.state, seen.now));
    }
  }
}

void add_ticket_keys(MetricFamilies& families, const Observation& seen) {
  const bool off = seen.snapshot && seen.snapshot->config && seen.snapshot->config->tls.ticket_rotation.count() == 0;
  if (off) return;
  const kube::SharedTicketKeys::State& keys = seen.cluster->ticket_keys;
  add_gauge(families, "sekisho_ticket_keys_shared", "1 if sessions can be resumed at every replica.",
            keys.shared ? 1 : 0);
  add_gauge(families, "sekisho_ticket_key_age_seconds",
            "How long the key that all replicas share has been sealing tickets; 0 if none does.",
            age(keys.sealing_since, seen.now));
  Family writes(families, "sekisho_ticket_key_writes_total",
                "Rotations of the ticket keys that replicas share, by outcome; lost: another replica was first.",
                MetricType::Counter);
  writes.add({{"outcome", "good"}}, static_cast<double>(keys.written));
  writes.add({{"outcome", "lost"}}, static_cast<double>(keys.lost));
  writes.add({{"outcome", "failed"}}, static_cast<double>(keys.failed));
}

}  // namespace

void add_cluster_metrics(MetricFamilies& families, const Observation& seen) {
  const ClusterView& cluster = *seen.cluster;
  add_watches(families, seen);
  add_ticket_keys(families, seen);
  add_gauge(families, "sekisho_kube_synced", "1 once all kinds have been read and are served.", cluster.synced ? 1 : 0);
  add_gauge(families, "sekisho_kube_leader", "1 if this replica writes status and Events.", cluster.leads ? 1 : 0);
  {
    Family notices(families, "sekisho_kube_notices", "What is wrong with objects now, by the reason of its Event.",
                   MetricType::Gauge);
    for (const auto& [reason, count] : cluster.notices_by_reason) {
      notices.add({{"reason", reason}}, static_cast<double>(count));
    }
  }
  {
    Family events(families, "sekisho_kube_events_total", "Events, by what became of them.", MetricType::Counter);
    events.add({{"outcome", "written"}}, static_cast<double>(cluster.events.written));
    events.add({{"outcome", "dropped"}}, static_cast<double>(cluster.events.dropped));
    events.add({{"outcome", "failed"}}, static_cast<double>(cluster.events.failed));
  }
  add_gauge(families, "sekisho_kube_status_pending", "Ingresses whose status is not yet what it is to be.",
            static_cast<double>(cluster.status_pending));
  {
    Family writes(families, "sekisho_kube_status_writes_total", "Writes of the status of an Ingress, by outcome.",
                  MetricType::Counter);
    writes.add({{"outcome", "good"}}, static_cast<double>(cluster.status_writes));
    writes.add({{"outcome", "failed"}}, static_cast<double>(cluster.status_failures));
  }
}

}  // namespace app
