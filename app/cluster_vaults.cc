#include "app/cluster_vaults.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include <fmt/format.h>

#include "base/keep_running.h"
#include "config/quantities.h"
#include "kube/metadata.h"

namespace app {
namespace {

using certstore::Candidate;
using certstore::CertificatePtr;

std::string key_of(const config::KeyVaultCertificate& what) {
  return fmt::format("{}|{}|{}|{}|{}|{}|{}", what.vault, what.name, static_cast<int>(what.kind), what.version,
                     what.identity.tenant_id, what.identity.client_id, config::to_string(what.poll));
}

// "SecretProviderClass shop/tls".
std::string speaker_of(const kube::VaultClaim& claim) {
  return fmt::format("{} {}", claim.object.kind, kube::to_string(claim.object.name));
}

std::unexpected<base::Error> not_answered() {
  return base::fail(base::Code::timeout, "the vault has not answered yet", base::Origin::upstream, base::Retry::later);
}

}  // namespace

ClusterVaults::~ClusterVaults() {
  thread_ = {};
  Readers ending;
  const std::lock_guard lock(mutex_);
  std::swap(ending, readers_);
}

void ClusterVaults::connect(Options options) {
  options_ = std::move(options);
  thread_ = std::jthread([this](const std::stop_token& stop) {
    base::keep_running("vaults that objects name", stop, [&] {
      look_at_all_again();
      run(stop);
    });
  });
}

void ClusterVaults::take(const kube::VaultChanges& changes) {
  if (changes.empty()) return;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [name, served] : changes) {
      touched_.insert(name);
      if (served) {
        gone_.erase(name);
        wanted_[name].served = *served;
      } else {
        gone_.insert(name);
      }
    }
    news_ = true;
  }
  changed_.notify_all();
}

void ClusterVaults::wait_until_known(std::chrono::milliseconds patience) {
  std::unique_lock lock(mutex_);
  (void)changed_.wait_for(lock, patience, [this] {
    return !news_ && !busy_ && std::ranges::all_of(readers_, [](const auto& each) { return each.second->answered; });
  });
}

void ClusterVaults::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    std::vector<std::unique_ptr<Reader>> ending;
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return news_; })) return;
      news_ = false;
      busy_ = true;
      arrange(ending);
    }
    ending.clear();  // each ends its thread, without the mutex that it may want
    start_readers();
    {
      const std::lock_guard lock(mutex_);
      busy_ = false;
    }
    changed_.notify_all();
  }
}

// Nothing, at first; after an exception, what it has cut short.
void ClusterVaults::look_at_all_again() {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, wanted] : wanted_) touched_.insert(name);
  news_ = news_ || busy_;
}

void ClusterVaults::start_readers() {
  while (!starting_.empty()) {
    const Start start = std::move(starting_.back());
    starting_.pop_back();
    Reader* reader = nullptr;
    {
      const std::lock_guard lock(mutex_);
      const auto known = readers_.find(start.key);
      reader = known == readers_.end() ? nullptr : known->second.get();
    }
    if (reader == nullptr) continue;
    try {
      reader->source = options_.follow(start.what);
      reader->source->start([this, reader](const certstore::Change& change) { answered(*reader, change); });
    } catch (...) {
      starting_.insert(starting_.begin(), start);  // behind the others, which may be good
      throw;
    }
  }
}

// Only this object's thread adds readers and takes them away.
void ClusterVaults::arrange(std::vector<std::unique_ptr<Reader>>& ending) {
  std::vector<std::string> ids_gone;
  for (const kube::ObjectName& name : gone_) {
    if (const auto known = wanted_.find(name); known != wanted_.end()) {
      leave(name, known->second);
      wanted_.erase(known);
    }
    touched_.erase(name);
    without_room_.erase(name);
    ids_gone.push_back(kube::to_string(name));
  }
  // Who left may have made room for them.
  touched_.merge(std::exchange(without_room_, {}));
  std::map<kube::ObjectName, config::KeyVaultCertificate> requests;
  for (const kube::ObjectName& name : touched_) {
    if (auto request = look_at(wanted_.at(name))) {
      if (wanted_.at(name).key == key_of(*request)) continue;
      requests.emplace(name, *std::move(request));
    }
    leave(name, wanted_.at(name));
  }
  for (auto reader = readers_.begin(); reader != readers_.end();) {
    const bool idle = reader->second->secrets.empty();
    if (idle) ending.push_back(std::move(reader->second));
    reader = idle ? readers_.erase(reader) : std::next(reader);
  }
  for (auto& [name, request] : requests) join(name, std::move(request));
  std::vector<Candidate> candidates;
  for (const kube::ObjectName& name : std::exchange(touched_, {})) {
    candidates.push_back(candidate(name, wanted_.at(name)));
  }
  if (!candidates.empty() || !ids_gone.empty()) {
    report_(certstore::Change::some(std::move(candidates), std::move(ids_gone)));
  }
  gone_.clear();  // not before it was told: an exception would have it forgotten
}

// Nothing: it is not to be followed, and `problem` says why.
std::optional<config::KeyVaultCertificate> ClusterVaults::look_at(Wanted& wanted) const {
  wanted.problem = wanted.served.claim.problem;
  if (!wanted.problem.empty()) return std::nullopt;
  auto request = options_.request(wanted.served.claim.read);
  if (request) return *std::move(request);
  wanted.problem = request.error().what;
  return std::nullopt;
}

void ClusterVaults::leave(const kube::ObjectName& name, Wanted& wanted) {
  const std::string key = std::exchange(wanted.key, {});
  if (const auto reader = readers_.find(key); reader != readers_.end()) reader->second->secrets.erase(name);
}

void ClusterVaults::join(const kube::ObjectName& name, config::KeyVaultCertificate request) {
  Wanted& wanted = wanted_.at(name);
  const std::string key = key_of(request);
  auto reader = readers_.find(key);
  const bool is_new = reader == readers_.end();
  const auto of_namespace = std::ranges::count_if(wanted_, [&](const auto& other) {
    return !other.second.key.empty() && other.first.name_space == name.name_space;
  });
  if (static_cast<std::size_t>(of_namespace) >= most_of_namespace) {
    wanted.problem = fmt::format("more than {} Secrets of the namespace {} are in vaults; this one is left out",
                                 most_of_namespace, name.name_space);
  } else if (is_new && readers_.size() >= most_followed) {
    wanted.problem = fmt::format("more than {} objects of vaults are followed; this one is left out", most_followed);
  }
  if (!wanted.problem.empty()) {
    without_room_.insert(name);
    return;
  }
  if (is_new) {
    reader = readers_.emplace(key, std::make_unique<Reader>()).first;
    reader->second->last = not_answered();
    starting_.push_back({key, std::move(request)});
  }
  reader->second->secrets.insert(name);
  wanted.key = key;
}

certstore::Candidate ClusterVaults::candidate(const kube::ObjectName& name, const Wanted& wanted) const {
  Candidate told{.id = kube::to_string(name),
                 .certificate = base::fail(base::Code::invalid, wanted.problem, base::Origin::control),
                 .file_path = {},
                 .only_for = wanted.served.hosts};
  if (wanted.problem.empty()) told.certificate = readers_.at(wanted.key)->last;
  if (!told.certificate) {
    told.certificate = std::unexpected(std::move(told.certificate.error()).in(speaker_of(wanted.served.claim)));
  }
  return told;
}

// On the thread of the reader's source.
void ClusterVaults::answered(Reader& reader, const certstore::Change& change) {
  if (change.candidates.empty()) return;
  const std::lock_guard lock(mutex_);
  reader.last = change.candidates.front().certificate;
  reader.answered = reader.last || reader.last.error().code != base::Code::timeout;
  std::vector<Candidate> candidates;
  for (const kube::ObjectName& name : reader.secrets) candidates.push_back(candidate(name, wanted_.at(name)));
  if (!candidates.empty()) report_(certstore::Change::some(std::move(candidates), {}));
  changed_.notify_all();
}

}  // namespace app
