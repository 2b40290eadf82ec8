#include "proxy/backend_monitor.h"

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <set>
#include <thread>
#include <utility>

#include "base/keep_running.h"
#include "base/log.h"
#include "proxy/backend_states.h"
#include "proxy/endpoint_checks.h"
#include "proxy/monitor_watch.h"
#include "proxy/tls_upstream.h"

namespace proxy {
namespace {

constexpr auto as_result = asio::as_tuple(use_awaitable);

struct NameWatch : MonitorWatch {
  using MonitorWatch::MonitorWatch;
  bool asked = false;  // the first answer has come, good or bad
};

}  // namespace

// Everything but table() and configure() happens on its thread.
class BackendMonitor::Loop {
 public:
  Loop(Publish publish, Resolver::Options options, AddressGuard guard, std::string affinity_secret)
      : publish_(std::move(publish)),
        resolver_(io_, std::move(options)),
        states_(std::move(guard), std::move(affinity_secret)),
        thread_([this] { run(); }) {}

  ~Loop() {
    io_.stop();
    thread_.join();
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  using BackendChanges = std::map<std::string, std::optional<ConfiguredBackend>>;
  using Names = std::set<std::string>;

  void configure(ConfiguredBackends backends, std::chrono::milliseconds patience) {
    work([this, next = std::move(backends)]() mutable { return adopt(differences(std::move(next))); }, patience);
  }

  void change(BackendChanges changes, std::chrono::milliseconds patience) {
    work([this, next = std::move(changes)]() mutable { return adopt(std::move(next)); }, patience);
  }

  [[nodiscard]] std::shared_ptr<const BackendTable> table() const {
    const std::lock_guard lock(mutex_);
    return table_;
  }

 private:
  struct Waiter {
    std::promise<void> resolved;
    Names names;  // that are waited for
  };

  // Lets the thread adopt something, gives new names the time to be answered, and publishes.
  void work(std::move_only_function<Names()> adopting, std::chrono::milliseconds patience) {
    std::promise<void> resolved;
    auto ready = resolved.get_future();
    asio::post(io_, [this, adopt = std::move(adopting), done = std::move(resolved)]() mutable {
      // A name that is answered at once, as from a file, publishes at once: everything has to be in its place before.
      const Names wanted = adopt();
      const Names fresh = put_watches(wanted);
      ready_.push_back({std::move(done), wanted});
      for (const std::string& host : fresh) spawn_logged(io_, follow_name(host, name_watches_.at(host)));
      tell_if_ready();
    });
    ready.wait_for(patience);
    std::promise<void> published;
    auto done = published.get_future();
    asio::post(io_, [this, waiter = std::move(published)]() mutable {
      ready_.clear();
      update();
      publish_(table());
      waiter.set_value();
    });
    done.wait();
  }

  void run() {
    // Signals are for the main thread; OpenSSL writes to sockets without MSG_NOSIGNAL.
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_BLOCK, &all, nullptr);
    while (!base::attempt("backends", [this] { io_.run(); })) {
    }
  }

  // Trust that was loaded anew is a difference, whether or not its files have changed.
  [[nodiscard]] BackendChanges differences(ConfiguredBackends next) const {
    BackendChanges changes;
    for (const auto& [name, backend] : backends_) {
      if (!next.contains(name)) changes.emplace(name, std::nullopt);
    }
    for (auto& [name, backend] : next) {
      const auto known = backends_.find(name);
      const bool same = known != backends_.end() && known->second.tls == backend.tls &&
                        known->second.guarded == backend.guarded && *known->second.config == *backend.config;
      if (!same) changes.emplace(name, std::move(backend));
    }
    return changes;
  }

  // The names that they need.
  Names adopt(BackendChanges changes) {
    Names wanted;
    for (auto& [name, backend] : changes) {
      touched_.insert(name);
      Names let_go;
      if (const auto known = backends_.find(name); known != backends_.end()) let_go = names_in(known->second);
      if (backend) {
        for (const std::string& host : names_in(*backend)) {
          let_go.erase(host);
          users_of_name_[host].insert(name);
          wanted.insert(host);
        }
        backends_.insert_or_assign(name, *std::move(backend));
      } else {
        backends_.erase(name);
      }
      for (const std::string& host : let_go) release_name(host, name);
    }
    return wanted;
  }

  static Names names_in(const ConfiguredBackend& backend) {
    Names names;
    for (const config::Endpoint& endpoint : backend.config->endpoints) {
      if (!is_address(endpoint.host)) names.insert(endpoint.host);
    }
    return names;
  }

  // Those that nobody has followed so far.
  Names put_watches(const Names& hosts) {
    Names fresh;
    for (const std::string& host : hosts) {
      if (name_watches_.contains(host)) continue;
      name_watches_.emplace(host, std::make_shared<NameWatch>(io_));
      fresh.insert(host);
    }
    return fresh;
  }

  void release_name(const std::string& host, const std::string& user) {
    const auto users = users_of_name_.find(host);
    users->second.erase(user);
    if (!users->second.empty()) return;
    users_of_name_.erase(users);
    const auto watch = name_watches_.find(host);
    watch->second->stop();
    name_watches_.erase(watch);
    names_.erase(host);
  }

  // RFC 2181 §8: an answer is good for its TTL. A failure keeps what was known.
  awaitable<void> follow_name(std::string host, std::shared_ptr<NameWatch> watch) {
    unsigned failures = 0;
    while (!watch->stopped) {
      auto answer = co_await resolver_.resolve(host);
      if (watch->stopped) co_return;
      std::chrono::seconds again = resolve_backoff(failures);
      NameState& state = names_[host];
      if (answer) {
        failures = 0;
        again = answer->ttl;
        state.addresses = std::move(answer->addresses);
        state.problem.clear();
      } else {
        ++failures;
        if (state.problem.empty())
          base::log::warning("a backend's name does not resolve", {{"problem", answer.error().what}});
        state.problem = answer.error().what;
      }
      watch->asked = true;
      const std::set<std::string>& users = users_of_name_[host];
      touched_.insert(users.begin(), users.end());
      tell_if_ready();
      refresh();
      watch->timer.expires_after(again);
      const auto [ended] = co_await watch->timer.async_wait(as_result);
      if (ended) co_return;
    }
  }

  // configure() and change() wait for the first answers of their own names.
  void tell_if_ready() {
    const auto is_asked = [this](const std::string& host) {
      const auto watch = name_watches_.find(host);
      return watch == name_watches_.end() || watch->second->asked;
    };
    std::erase_if(ready_, [&](Waiter& waiter) {
      if (!std::ranges::all_of(waiter.names, is_asked)) return false;
      waiter.resolved.set_value();
      return true;
    });
  }

  // Publishes what is known now, if it differs from what was published; not before configure() has waited for the
  // names.
  void refresh() {
    if (ready_.empty() && update()) publish_(table());
  }

  // Looks again at what was touched. True if the table has changed.
  bool update() {
    BackendTable::Changes changes;
    const std::shared_ptr<const BackendTable> before = table();
    for (const std::string& name : std::exchange(touched_, {})) {
      const auto backend = backends_.find(name);
      const std::shared_ptr<const BackendState>* const known = before->find(name);
      if (backend == backends_.end()) {
        checks_.follow(name, nullptr);
        changes.emplace(name, std::nullopt);
      } else {
        auto state = states_.build(known ? *known : nullptr, name, backend->second, names_, checks_.found());
        checks_.follow(name, state.get());
        changes.emplace(name, std::move(state));
      }
      states_.tidy(name);
    }
    const bool changed = std::ranges::any_of(changes, [&](const auto& change) {
      const std::shared_ptr<const BackendState>* const known = before->find(change.first);
      return change.second.has_value() ? known == nullptr || *known != *change.second : known != nullptr;
    });
    if (!changed) return false;
    auto next = std::make_shared<const BackendTable>(before->with(changes));
    const std::lock_guard lock(mutex_);
    table_ = std::move(next);
    return true;
  }

  Publish publish_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  Resolver resolver_;
  BackendStates states_;
  ConfiguredBackends backends_;
  NameStates names_;
  EndpointChecks checks_{io_, [this](const std::string& backend) {
                           touched_.insert(backend);
                           refresh();
                         }};
  std::map<std::string, std::set<std::string>> users_of_name_;  // backends
  std::set<std::string> touched_;                               // backends to look at again
  std::map<std::string, std::shared_ptr<NameWatch>> name_watches_;
  std::vector<Waiter> ready_;
  mutable std::mutex mutex_;
  std::shared_ptr<const BackendTable> table_ = std::make_shared<const BackendTable>();  // under mutex_
  std::jthread thread_;
};

BackendMonitor::BackendMonitor(Publish publish, Resolver::Options resolver, AddressGuard guard,
                               std::string affinity_secret)
    : loop_(std::make_unique<Loop>(std::move(publish), std::move(resolver), std::move(guard),
                                   std::move(affinity_secret))) {}

BackendMonitor::~BackendMonitor() = default;

base::Result<ConfiguredBackend> BackendMonitor::load(const std::string& name,
                                                     std::shared_ptr<const config::Backend> backend) {
  ConfiguredBackend loaded{.config = std::move(backend), .tls = nullptr};
  if (!loaded.config->tls) return loaded;
  auto tls = materials_.load(*loaded.config->tls);
  if (!tls) return std::unexpected(std::move(tls.error()).in("backend " + name));
  loaded.tls = *std::move(tls);
  return loaded;
}

base::Result<void> BackendMonitor::configure(const std::map<std::string, config::Backend>& backends,
                                             const Shared& guarded, std::chrono::milliseconds patience) {
  const UpstreamTlsMaterials before = std::exchange(materials_, {});
  ConfiguredBackends all;
  for (const auto& [name, backend] : backends) {
    auto loaded = load(name, std::make_shared<const config::Backend>(backend));
    if (!loaded) {
      materials_ = before;
      return std::unexpected(std::move(loaded.error()));
    }
    all.emplace(name, *std::move(loaded));
  }
  for (const auto& [name, backend] : guarded) {
    auto loaded = load(name, backend);
    if (!loaded) {  // strangers do not stand in the way of the operator
      base::log::error("a backend is left out", {{"reason", loaded.error().what}});
      continue;
    }
    loaded->guarded = true;
    all.try_emplace(name, *std::move(loaded));
  }
  loop_->configure(std::move(all), patience);
  return {};
}

std::vector<base::Error> BackendMonitor::change(const Shared& guarded, std::chrono::milliseconds patience) {
  std::map<std::string, std::optional<ConfiguredBackend>> changes;
  std::vector<base::Error> refused;
  for (const auto& [name, backend] : guarded) {
    if (backend == nullptr) {
      changes.emplace(name, std::nullopt);
    } else if (auto loaded = load(name, backend); loaded) {
      loaded->guarded = true;
      changes.emplace(name, *std::move(loaded));
    } else {
      refused.push_back(std::move(loaded.error()));
    }
  }
  if (!changes.empty()) loop_->change(std::move(changes), patience);
  return refused;
}

std::shared_ptr<const BackendTable> BackendMonitor::table() const {
  return loop_->table();
}

}  // namespace proxy
