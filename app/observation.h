// Observation: one look at a running gateway, for the admin endpoint. A value; what it points to lives as long as the
// gateway. Everything that people and scrapers see is a pure function of it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/manager.h"
#include "app/cluster_view.h"
#include "app/mirror_view.h"
#include "app/reload_state.h"
#include "app/vault_view.h"
#include "base/clock.h"
#include "certstore/store.h"
#include "config/config.h"
#include "proxy/snapshot.h"
#include "proxy/stats.h"

namespace app {

struct Observation {
  proxy::SnapshotPtr snapshot;  // the newest published; null: none yet
  std::vector<certstore::CertificateStatus> certificates;
  certstore::Store::Counters certificate_counters;
  std::vector<acme::ManagedCertificate> managed;  // what is issued here
  acme::ManagerCounters issuing;
  std::vector<const proxy::WorkerStats*> workers;
  std::vector<std::string> route_names;  // by slot of WorkerStats::routes
  std::vector<config::SocketAddress> listening;
  ReloadState reloads;
  std::vector<VaultView> vaults;       // sources in Key Vault
  std::vector<MirrorView> mirrors;     // in Azure
  std::optional<ClusterView> cluster;  // of `sekisho ingress`
  bool draining = false;
  base::SystemTime started;
  base::SystemTime now;
};

// The generation that every worker has taken. 0: none yet.
[[nodiscard]] std::uint64_t generation_in_force(const Observation& seen);

enum class CertificateState { valid, expired, not_yet_valid, refused, unused };
[[nodiscard]] CertificateState state_of(const certstore::CertificateStatus& status, base::SystemTime now);
[[nodiscard]] const char* to_string(CertificateState state) noexcept;

// A certificate of the local CA that stands in until an issuer has delivered.
[[nodiscard]] bool is_interim(const certstore::CertificateStatus& status);
// One that is shown for nothing any more, and which the store lets go of in a moment: nobody's concern.
[[nodiscard]] bool is_past_interim(const certstore::CertificateStatus& status);

}  // namespace app
