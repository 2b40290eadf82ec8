#include "app/gateway.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "app/affinity_secret.h"
#include "app/azure_findings.h"
#include "app/certificate_finding.h"
#include "app/process_limits.h"
#include "app/reload_decisions.h"
#include "app/state_directory.h"
#include "base/ip_network.h"
#include "base/keep_running.h"
#include "base/log.h"
#include "proxy/tls_client_auth.h"

namespace app {
namespace {

// A third of the time for which a key is the one that seals: the next one comes hardly late.
std::chrono::seconds look_at_keys_every(std::chrono::seconds rotation) {
  return std::min(rotation / 3, std::chrono::seconds(60));
}

unsigned workers_of(const config::Config& config) {
  return config.workers == 0 ? allowed_cpus() : config.workers;
}

std::string joined(const std::vector<config::SocketAddress>& addresses) {
  std::string text;
  for (const config::SocketAddress& address : addresses) text += (text.empty() ? "" : ", ") + address.to_string();
  return text;
}

proxy::AddressGuard guard_of(const Gateway::Options& options) {
  const auto& configured = options.config.admin;
  const std::uint16_t port = configured              ? configured->address.port
                             : options.assumed_admin ? options.assumed_admin->port
                                                     : std::uint16_t{0};
  return {proxy::addresses_of_this_host(), port};
}

}  // namespace

base::Result<std::unique_ptr<Gateway>> Gateway::start(Options options) {
  if (const auto& folder = options.config.state_directory; !folder.empty()) {
    if (auto made = make_state_directory(folder); !made) return std::unexpected(std::move(made.error()));
    if (const std::string loose = loose_rights(folder); !loose.empty()) {
      base::log::warning("the state directory is not private", {{"problem", loose}});
    }
  }
  std::unique_ptr<Gateway> gateway(new Gateway(options));
  if (auto begun = gateway->begin(options); !begun) return std::unexpected(std::move(begun.error()));
  return gateway;
}

Gateway::Gateway(Options& options)
    : clock_(base::system_clock()),
      observe_more_(std::move(options.observe_more)),
      started_(clock_.now()),
      first_config_(std::make_shared<const config::Config>(options.config)),
      listens_(options.listening == Options::Listening::at_start),
      config_(first_config_),
      access_log_(workers_of(*first_config_), options.access_log_descriptor),
      server_(workers_of(*first_config_), access_log_),
      publisher_([this](proxy::SnapshotPtr snapshot) { server_.publish(std::move(snapshot)); }),
      store_(clock_,
             [this](std::shared_ptr<const certstore::CertIndex> index) {
               publisher_.change([&](proxy::Snapshot& next) { next.certificates = std::move(index); });
               // What was to be issued may have come from somewhere else, or have gone there.
               if (acme::Manager* const issuers = issued_.manager()) issuers->look_again();
             }),
      azure_(first_config_->azure, clock_),
      issued_({.state_directory = first_config_->state_directory,
               .clock = clock_,
               .store = store_,
               .publish_challenges =
                   [this](std::shared_ptr<const certstore::Challenges> challenges) {
                     const std::lock_guard lock(challenges_mutex_);
                     own_challenges_ = std::move(challenges);
                     publish_challenges();
                   },
               .withhold =
                   [this](const std::vector<std::string>& names) {
                     auto withheld = names.empty() ? nullptr : std::make_shared<const certstore::WithheldNames>(names);
                     publisher_.change([&](proxy::Snapshot& next) { next.withheld = std::move(withheld); });
                   },
               .wait_until_taken =
                   [this] {
                     publisher_.flush();
                     server_.wait_until_taken();
                   },
               .azure_zones = [this](const config::AzureDns& zone) { return azure_.dns_zone(zone); }}),
      monitor_(
          [this](std::shared_ptr<const proxy::BackendTable> table) {
            publisher_.change([&](proxy::Snapshot& next) { next.backends = std::move(table); });
          },
          {}, guard_of(options), affinity_secret(first_config_->state_directory)),
      sources_(store_,
               [this](const config::CertificateSource& source) {
                 auto made = azure_.make_source(source);
                 return made ? std::move(made) : make_file_source(source);
               }),
      mirrors_(azure_, clock_) {}

// Names from the workers go to what is destroyed before them.
Gateway::~Gateway() {
  server_.tell_unknown_names(nullptr);
}

base::Result<void> Gateway::begin(Options& options) {
  if (auto started = start_admin(options); !started) return started;
  const std::lock_guard applying(applying_);
  const config::Config& config = *first_config_;
  auto client_auth = proxy::ClientAuthTable::load(config.tls);
  if (!client_auth) return std::unexpected(std::move(client_auth.error()));
  {
    const SnapshotPublisher::Hold hold(publisher_);
    if (auto configured = monitor_.configure(config.backends); !configured) return configured;
    publisher_.change([index = store_.index()](proxy::Snapshot& next) { next.certificates = index; });
    for (auto& source : options.sources) sources_.add(std::move(source));
    adopt(config);
    publisher_.change([&](proxy::Snapshot& next) { next.client_auth = *client_auth; });
  }
  publisher_.flush();
  server_.wait_until_taken();

  server_.tell_unknown_names([this](const std::string& server_name) {
    if (acme::Manager* const issuers = issued_.manager()) issuers->asked_for(server_name);
  });
  return listens_ ? begin_listening(config) : base::Result<void>();
}

base::Result<void> Gateway::begin_listening(const config::Config& config) {
  auto listening = server_.listen(config.listeners);
  if (!listening) return std::unexpected(std::move(listening.error()));
  base::log::info("listening",
                  {{"addresses", joined(*listening)}, {"workers", std::to_string(workers_of(*first_config_))}});
  const std::lock_guard lock(mutex_);
  listening_ = std::move(*listening);
  return {};
}

base::Result<void> Gateway::listen() {
  const std::lock_guard applying(applying_);
  if (listens_) return {};
  publisher_.flush();
  server_.wait_until_taken();
  if (auto begun = begin_listening(*config()); !begun) return begun;
  listens_ = true;
  return {};
}

std::vector<base::Error> Gateway::change_traffic(const TrafficChange& change) {
  if (change.empty()) return {};
  const std::lock_guard applying(applying_);
  const SnapshotPublisher::Hold hold(publisher_);
  auto refused = monitor_.change(outside_.take_backends(change.backends, config()->backends));
  publish_backends();
  OutsideTraffic::RoutesByHost changed;
  {
    const std::lock_guard lock(mutex_);
    changed = outside_.take_hosts(change.hosts, slots_);
  }
  if (!changed.empty()) publish(routes_->with(changed));
  return refused;
}

base::Result<void> Gateway::start_admin(const Options& options) {
  const bool configured = options.config.admin.has_value();
  if (!configured && !options.assumed_admin) return {};
  const config::SocketAddress address = configured ? options.config.admin->address : *options.assumed_admin;
  // The configuration of that moment: it may have been reloaded.
  const auto elsewhere = [this, more = options.examine_more]() -> AdminChanges::Examine {
    const std::shared_ptr<const config::Config> now = config();
    if (!names_azure(*now)) return more;
    return [this, now, more](const std::stop_token& stop) {
      std::vector<acme::Finding> all = azure_findings(azure_, *now, stop);
      if (more) std::ranges::move(more(stop), std::back_inserter(all));
      return all;
    };
  };
  changes_ = std::make_unique<AdminChanges>(AdminChanges::Options{
      .manager = [this] { return issued_.manager(); },
      .findings =
          [this, folder = first_config_->state_directory](const std::stop_token&) {
            std::vector found{certificate_finding(store_.status(), clock_.now())};
            if (!folder.empty()) found.push_back(state_directory_finding(folder));
            return found;
          },
      .elsewhere = elsewhere,
      .look = [this](std::string_view vault_url, std::string_view object) { return azure_.look(vault_url, object); },
      .needs_token = !base::is_loopback_address(address.host),
      .token_file = configured ? options.config.admin->token_file.value_or("") : std::filesystem::path()});
  const auto handler = [this, more = options.answer_more](const AdminRequest& request) {
    if (auto changed = changes_->answer(request)) return std::move(*changed);
    if (auto answered = more ? more(request) : std::nullopt) return std::move(*answered);
    return answer_admin(request, [this] { return observe(); });
  };
  auto started = SmallServer::start({.address = address, .handler = handler});
  if (started) {
    admin_ = std::move(*started);
    base::log::info("admin endpoint", {{"address", admin_->address().to_string()}});
    return {};
  }
  if (configured) return std::unexpected(std::move(started.error()));
  base::log::warning("going on without an admin endpoint", {{"error", started.error().what}});
  return {};
}

base::Result<void> Gateway::reload(const config::Config& config) {
  auto applied = base::attempted("reload of the configuration", [&] { return apply(config); });
  if (!applied) {
    record(true, {applied.error().what}, {});
    base::log::warning("configuration refused, the old one is kept", {{"error", applied.error().what}});
    return applied;
  }
  std::vector<std::string> needs = restart_needs(*first_config_, config);
  for (const std::string& need : needs) base::log::warning("restart needed", {{"what", need}});
  base::log::info("configuration reloaded", {{"routes", std::to_string(config.routes.size())},
                                             {"backends", std::to_string(config.backends.size())}});
  record(false, {}, std::move(needs));
  return {};
}

base::Result<void> Gateway::apply(const config::Config& config) {
  const std::lock_guard applying(applying_);
  auto client_auth = proxy::ClientAuthTable::load(config.tls);
  if (!client_auth) return std::unexpected(std::move(client_auth.error()));
  const SnapshotPublisher::Hold hold(publisher_);
  auto listening = change_listeners_and_backends(config);
  if (!listening) return std::unexpected(std::move(listening.error()));
  {
    const std::lock_guard lock(mutex_);
    listening_ = std::move(*listening);
  }
  // First: whatever keeps the rest from being adopted, no route is served without its policy.
  publisher_.change([&](proxy::Snapshot& next) { next.client_auth = *client_auth; });
  adopt(config);
  return {};
}

// All that can fail, in an order in which each failure can be undone without closing a listener that served.
base::Result<std::vector<config::SocketAddress>> Gateway::change_listeners_and_backends(const config::Config& config) {
  const std::shared_ptr<const config::Config> before = this->config();
  const auto keep_old = [&] {
    if (auto undone = server_.listen(before->listeners); !undone) {
      base::log::error("the old listeners cannot be restored", {{"error", undone.error().what}});
    }
  };
  // New addresses are opened first: an address that is taken refuses the whole.
  if (listens_) {
    if (auto opened = server_.listen(listeners_of_both(*before, config)); !opened) {
      return std::unexpected(std::move(opened.error()));
    }
  }
  if (auto configured = monitor_.configure(config.backends, outside_.backends()); !configured) {
    if (listens_) keep_old();
    return std::unexpected(std::move(configured.error()));
  }
  if (!listens_) return std::vector<config::SocketAddress>();
  auto listening = server_.listen(config.listeners);
  if (listening) return listening;
  keep_old();
  if (auto undone = monitor_.configure(before->backends, outside_.backends()); !undone) {
    base::log::error("the old backends cannot be restored", {{"error", undone.error().what}});
  }
  return listening;
}

// Nothing in here can fail.
void Gateway::adopt(const config::Config& config) {
  const auto shared = std::make_shared<const config::Config>(config);
  std::shared_ptr<const config::Config> before;
  {
    const std::lock_guard lock(mutex_);
    before = std::exchange(config_, shared);
  }
  sources_.apply(config.certificates);
  issued_.apply(config);
  mirrors_.apply(config.mirrors);
  use_ticket_keys(before->tls.ticket_rotation, config.tls.ticket_rotation);
  publish_ticket_keys();
  publish_backends();
  OutsideTraffic::RoutesByHost routes;
  {
    const std::lock_guard lock(mutex_);
    routes = outside_.configure(config.routes, slots_);
  }
  publish(proxy::RouteTable().with(routes));
  publisher_.change([&](proxy::Snapshot& next) {
    next.config = shared;
    next.on_demand = std::ranges::any_of(shared->certificates, [](const config::CertificateSource& source) {
      const auto* issued = std::get_if<config::IssuedCertificate>(&source.from);
      return issued != nullptr && issued->on_demand.has_value();
    });
  });
}

void Gateway::publish(proxy::RouteTable routes) {
  routes_ = std::make_shared<const proxy::RouteTable>(std::move(routes));
  publisher_.change([&](proxy::Snapshot& next) { next.routes = routes_; });
}

// The monitor publishes on its own as well: the newer table must win.
void Gateway::publish_backends() {
  std::shared_ptr<const proxy::BackendTable> table;
  do {
    table = monitor_.table();
    publisher_.change([&](proxy::Snapshot& next) { next.backends = table; });
  } while (table != monitor_.table());
}

void Gateway::publish_outside_challenges(std::shared_ptr<const certstore::Challenges> challenges) {
  {
    const std::lock_guard lock(challenges_mutex_);
    outside_challenges_ = std::move(challenges);
    publish_challenges();
  }
  publisher_.flush();
  server_.wait_until_taken();
}

// With challenges_mutex_ held.
void Gateway::publish_challenges() {
  const auto is_empty = [](const auto& table) { return table == nullptr || table->empty(); };
  std::shared_ptr<const certstore::Challenges> all;
  if (is_empty(outside_challenges_)) {
    if (!is_empty(own_challenges_)) all = own_challenges_;
  } else if (is_empty(own_challenges_)) {
    all = outside_challenges_;
  } else {
    certstore::Challenges both = *own_challenges_;
    both.http01.insert(outside_challenges_->http01.begin(), outside_challenges_->http01.end());
    both.tls_alpn01.insert(outside_challenges_->tls_alpn01.begin(), outside_challenges_->tls_alpn01.end());
    all = std::make_shared<const certstore::Challenges>(std::move(both));
  }
  publisher_.change([&](proxy::Snapshot& next) { next.challenges = std::move(all); });
}

void Gateway::use_ticket_keys(std::chrono::seconds before, std::chrono::seconds rotation) {
  const std::lock_guard lock(ticket_keys_mutex_);
  if (ticket_keys_ && before == rotation) return;
  ticket_keys_.reset();
  if (rotation.count() <= 0) return;
  const std::filesystem::path& folder = first_config_->state_directory;
  ticket_keys_ = std::make_unique<certstore::TicketKeyRing>(
      folder.empty() ? std::filesystem::path() : folder / "ticket_keys", rotation, clock_);
}

void Gateway::share_ticket_keys(std::shared_ptr<const certstore::TicketKeySet> keys) {
  {
    const std::lock_guard lock(ticket_keys_mutex_);
    shared_keys_ = std::move(keys);
  }
  publish_ticket_keys();
}

void Gateway::publish_ticket_keys() {
  const std::lock_guard lock(ticket_keys_mutex_);
  auto keys = ticket_keys_ ? ticket_keys_->update() : nullptr;
  if (keys != nullptr && shared_keys_ != nullptr) keys = shared_keys_;
  if (keys == published_keys_) return;
  published_keys_ = keys;
  publisher_.change([&](proxy::Snapshot& next) { next.ticket_keys = std::move(keys); });
}

void Gateway::count_refused(const config::Diagnostics& diagnostics) {
  std::vector<std::string> problems;
  for (const config::Diagnostic& diagnostic : diagnostics) {
    problems.push_back(diagnostic.to_string());
    base::log::warning("configuration refused, the old one is kept", {{"problem", problems.back()}});
  }
  record(true, std::move(problems), {});
}

void Gateway::record(bool refused, std::vector<std::string> problems, std::vector<std::string> restart_needed) {
  const std::lock_guard lock(mutex_);
  ++(refused ? reloads_.refused : reloads_.good);
  reloads_.last_refused = refused;
  reloads_.problems = std::move(problems);
  // A refused file says nothing of what was asked for before.
  if (!refused) reloads_.restart_needed = std::move(restart_needed);
  reloads_.at = clock_.now();
}

void Gateway::tick() {
  store_.tick();
  if (mirrors_.any()) mirrors_.look(observe());
  const auto now = std::chrono::steady_clock::now();
  if (now - looked_at_keys_ < look_at_keys_every(config()->tls.ticket_rotation)) return;
  publish_ticket_keys();
  looked_at_keys_ = now;
}

void Gateway::begin_drain() {
  const std::lock_guard lock(mutex_);
  draining_ = true;
}

void Gateway::drain(std::chrono::milliseconds deadline) {
  server_.drain(deadline);
}

std::shared_ptr<const config::Config> Gateway::config() const {
  const std::lock_guard lock(mutex_);
  return config_;
}

bool Gateway::last_reload_refused() const {
  const std::lock_guard lock(mutex_);
  return reloads_.last_refused;
}

Observation Gateway::observe() const {
  Observation seen;
  seen.snapshot = publisher_.current();
  seen.certificates = store_.status();
  std::erase_if(seen.certificates, is_past_interim);
  seen.certificate_counters = store_.counters();
  if (const acme::Manager* const issuers = issued_.manager()) {
    seen.managed = issuers->status();
    seen.issuing = issuers->counters();
  }
  seen.vaults = azure_.vaults();
  seen.mirrors = mirrors_.views();
  seen.workers = server_.stats();
  seen.started = started_;
  seen.now = clock_.now();
  const std::lock_guard lock(mutex_);
  seen.route_names = slots_.names();
  seen.listening = listening_;
  seen.reloads = reloads_;
  seen.draining = draining_;
  if (observe_more_) observe_more_(seen);
  return seen;
}

}  // namespace app
