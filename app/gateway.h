// Gateway: everything that runs, wired together. The composition root of `sekisho run` and `sekisho proxy`.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "app/admin_changes.h"
#include "app/azure_mirrors.h"
#include "app/azure_side.h"
#include "app/certificate_sources.h"
#include "app/issued_certificates.h"
#include "app/observation.h"
#include "app/outside_traffic.h"
#include "app/small_server.h"
#include "app/snapshot_publisher.h"
#include "base/clock.h"
#include "base/error.h"
#include "certstore/store.h"
#include "certstore/ticket_keys.h"
#include "config/config.h"
#include "config/diagnostic.h"
#include "proxy/access_log.h"
#include "proxy/backend_monitor.h"
#include "proxy/server.h"

namespace app {

class Gateway {
 public:
  struct Options {
    config::Config config;
    // Where the admin endpoint is if the configuration does not say, and if this place is free.
    std::optional<config::SocketAddress> assumed_admin = std::nullopt;
    std::vector<std::unique_ptr<certstore::Source>> sources = {};  // besides those of the configuration
    int access_log_descriptor = 1;
    // later: not before listen() is called; until then it is not ready.
    enum class Listening { at_start, later } listening = Listening::at_start;
    // Adds to what observe() says; null: nothing. Any thread.
    std::function<void(Observation&)> observe_more = {};
    // Of the cluster that is served, where there is one. Null: none.
    std::function<std::optional<AdminAnswer>(const AdminRequest&)> answer_more = {};  // on the admin endpoint's thread
    AdminChanges::Examine examine_more = {};                                          // for `doctor`
  };

  // Listens and serves when it returns, unless it is to listen later. Certificates that are missing or bad do not keep
  // it from starting; addresses that cannot be listened to, and CA bundles and client certificates that cannot be read,
  // do. Blocking.
  [[nodiscard]] static base::Result<std::unique_ptr<Gateway>> start(Options options);
  ~Gateway();
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;

  // ---- For the control loop, one thread.

  // From now on this configuration; or, with an error, still the old one, untouched. Counts either way. Blocking.
  [[nodiscard]] base::Result<void> reload(const config::Config& config);
  // The configuration did not even parse.
  void count_refused(const config::Diagnostics& diagnostics);
  // What becomes due with time: certificates that expire or go, ticket keys. Call it every few seconds.
  void tick();
  // Not ready from now on, still accepting.
  void begin_drain();
  // Ends all connections; those that are not done at the deadline are cut. Blocking.
  void drain(std::chrono::milliseconds deadline);

  // ---- Any thread.

  // Routes and backends besides those of the configuration. Costs what changes. The answer names backends that cannot
  // be spoken to, which are left as they were. Blocking.
  [[nodiscard]] std::vector<base::Error> change_traffic(const TrafficChange& change);
  // Challenges besides those of issuers in the configuration; returns when all workers answer them. Blocking.
  void publish_outside_challenges(std::shared_ptr<const certstore::Challenges> challenges);
  // Ticket keys that others have too, in the place of its own; null: its own again. Without tickets by the
  // configuration there are none all the same.
  void share_ticket_keys(std::shared_ptr<const certstore::TicketKeySet> keys);
  // Where it was to listen later. Blocking.
  [[nodiscard]] base::Result<void> listen();
  [[nodiscard]] certstore::Store& store() noexcept { return store_; }
  // A zone of Azure DNS, for issuers. Blocking.
  [[nodiscard]] base::Result<std::shared_ptr<acme::DnsZone>> azure_zone(const config::AzureDns& zone) {
    return azure_.dns_zone(zone);
  }
  // For sources that are not in the configuration.
  [[nodiscard]] AzureSide& azure() noexcept { return azure_; }
  [[nodiscard]] Observation observe() const;
  // Until something else is served than at this generation, this time is over, or `stop` is asked for. Blocking.
  void wait_for_change(std::uint64_t generation, std::chrono::milliseconds patience, const std::stop_token& stop) {
    publisher_.wait_after(generation, patience, stop);
  }
  [[nodiscard]] std::shared_ptr<const config::Config> config() const;
  [[nodiscard]] bool last_reload_refused() const;
  // Null: nothing is to be issued.
  [[nodiscard]] acme::Manager* issuers() const { return issued_.manager(); }
  // Null: there is no admin endpoint.
  [[nodiscard]] const SmallServer* admin() const noexcept { return admin_.get(); }

 private:
  explicit Gateway(Options& options);
  base::Result<void> begin(Options& options);
  base::Result<void> start_admin(const Options& options);
  base::Result<void> begin_listening(const config::Config& config);
  base::Result<void> apply(const config::Config& config);
  base::Result<std::vector<config::SocketAddress>> change_listeners_and_backends(const config::Config& config);
  void adopt(const config::Config& config);
  void use_ticket_keys(std::chrono::seconds before, std::chrono::seconds rotation);
  void publish_ticket_keys();
  void publish_backends();
  void publish(proxy::RouteTable routes);
  void publish_challenges();
  void record(bool refused, std::vector<std::string> problems, std::vector<std::string> restart_needed);

  const base::Clock& clock_;
  const std::function<void(Observation&)> observe_more_;
  const base::SystemTime started_;
  const std::shared_ptr<const config::Config> first_config_;  // what only a restart changes is taken from here

  std::mutex applying_;  // held while configuration or traffic change
  OutsideTraffic outside_;
  std::shared_ptr<const proxy::RouteTable> routes_;  // the last that were published
  bool listens_;                                     // or is yet to

  mutable std::mutex mutex_;  // guards the next five
  std::shared_ptr<const config::Config> config_;
  std::vector<config::SocketAddress> listening_;
  proxy::RouteSlots slots_;
  ReloadState reloads_;
  bool draining_ = false;

  std::mutex challenges_mutex_;  // guards the next two
  std::shared_ptr<const certstore::Challenges> own_challenges_;
  std::shared_ptr<const certstore::Challenges> outside_challenges_;

  // In the order in which each needs what stands before it; destroyed the other way round.
  proxy::AccessLog access_log_;
  proxy::Server server_;
  SnapshotPublisher publisher_;
  certstore::Store store_;
  AzureSide azure_;
  IssuedCertificates issued_;
  proxy::BackendMonitor monitor_;
  CertificateSources sources_;
  AzureMirrors mirrors_;
  std::chrono::steady_clock::time_point looked_at_keys_;   // a file that other processes share
  std::mutex ticket_keys_mutex_;                           // guards the next three
  std::unique_ptr<certstore::TicketKeyRing> ticket_keys_;  // null: no tickets
  std::shared_ptr<const certstore::TicketKeySet> shared_keys_;
  std::shared_ptr<const certstore::TicketKeySet> published_keys_;
  std::unique_ptr<AdminChanges> changes_;
  std::unique_ptr<SmallServer> admin_;
};

}  // namespace app
