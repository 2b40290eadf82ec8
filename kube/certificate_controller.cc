#include "kube/certificate_controller.h"

#include <utility>

#include "base/keep_running.h"
#include "base/log.h"
#include "kube/secret.h"

namespace kube {
namespace {

// What cert-manager puts on every Secret that it writes.
constexpr auto written_secrets = "controller.cert-manager.io/fao=true";

std::vector<std::string> lease_namespaces(const std::string& of_cluster) {
  std::vector<std::string> all{"kube-system", "cert-manager"};
  if (!of_cluster.empty() && of_cluster != all[0] && of_cluster != all[1]) all.push_back(of_cluster);
  return all;
}

}  // namespace

CertificateController::CertificateController(Options options)
    : options_(std::move(options)),
      storage_(options_.client, options_.records,
               [this](const ObjectName& certificate) {
                 {
                   const std::lock_guard lock(mutex_);
                   written_.insert(certificate);
                 }
                 ring();
               }),
      registrar_(options_.records, options_.locks, options_.client.clock(), [this] { ring(); }),
      issuers_(
          {.client = options_.client, .events = options_.events, .registrar = registrar_, .rules = options_.rules}),
      manager_({.storage = storage_,
                .locks = options_.locks,
                .challenges = options_.challenges,
                .clock = options_.client.clock(),
                .azure_zones = options_.azure_zones}),
      desk_({.client = options_.client,
             .events = options_.events,
             .issuers = issuers_,
             .manager = manager_,
             .storage = storage_,
             .rules = options_.rules,
             .name_space = options_.name_space,
             .records = options_.contents,
             .serves = options_.serves}),
      cert_manager_(options_.client, lease_namespaces(options_.rules.cluster_namespace)),
      issuer_news_([this] { ring(); }),
      cluster_issuer_news_([this] { ring(); }),
      certificate_news_([this] { ring(); }),
      secret_news_([this] { ring(); }) {
  const auto watch = [this](const Resource& resource, std::string labels, WatchHandler& handler,
                            std::function<void(nlohmann::json&)> trim = {}) {
    const bool namespaced = resource.scope == Resource::Scope::namespaced;
    watches_.push_back(std::make_unique<ListWatch>(
        options_.client,
        ListWatch::Options{.resource = resource,
                           .selection = {.name_space = namespaced ? options_.name_space : "", .labels = labels},
                           .presence = ListWatch::Presence::optional,
                           .trim = std::move(trim),
                           .pace = options_.pace},
        handler));
  };
  watch(resources::issuers, "", issuer_news_);
  // A role of one namespace cannot list what belongs to the cluster.
  if (options_.name_space.empty()) watch(resources::cluster_issuers, "", cluster_issuer_news_);
  watch(resources::certificates, "", certificate_news_);
  watch(resources::secrets, written_secrets, secret_news_, keep_certificate);
  for (const auto& each : watches_) each->start();
  thread_ = std::jthread([this](const std::stop_token& stop) {
    base::keep_running("certificates of the cluster", stop, [&] { run(stop); });
  });
}

CertificateController::~CertificateController() {
  thread_.request_stop();
  for (const auto& each : watches_) each->request_stop();
  watches_.clear();
  storage_.interrupt();
  if (options_.interrupt_records) options_.interrupt_records();
  thread_.join();
}

void CertificateController::want(std::shared_ptr<const Wanted> wanted) {
  {
    const std::lock_guard lock(mutex_);
    wanted_ = std::move(wanted);
  }
  ring();
}

void CertificateController::ring() {
  const std::lock_guard lock(mutex_);
  news_ = true;
  rung_.notify_all();
}

bool CertificateController::synced() const {
  return issuer_news_.synced() && certificate_news_.synced() && secret_news_.synced() &&
         (!options_.name_space.empty() || cluster_issuer_news_.synced());
}

void CertificateController::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    {
      std::unique_lock lock(mutex_);
      rung_.wait_for(lock, stop, options_.tick, [this] { return news_; });
      news_ = false;
    }
    // Before all is known, most of what could be said would be wrong.
    if (!stop.stop_requested() && synced()) pass(stop);
  }
}

void CertificateController::pass(const std::stop_token& stop) {
  issuers_.take(resources::issuers, issuer_news_.take());
  issuers_.take(resources::cluster_issuers, cluster_issuer_news_.take());
  desk_.take_certificates(certificate_news_.take());
  desk_.take_secrets(secret_news_.take());
  std::set<ObjectName> written;
  std::shared_ptr<const Wanted> wanted;
  {
    const std::lock_guard lock(mutex_);
    written.swap(written_);
    wanted = wanted_;
  }
  desk_.written(written);
  if (options_.beside == Options::Beside::stand_aside) issuers_.stand_aside(cert_manager_.alive(stop));
  if (issuers_.look(stop)) desk_.issuers_changed();
  if (wanted) desk_.follow(std::move(wanted), stop);
  desk_.plan(stop);
  if (!started_) {
    // What is issued is served by who watches Secrets.
    manager_.start([](const certstore::Change&) {});
    started_ = true;
  }
  desk_.tell(stop);
}

}  // namespace kube
