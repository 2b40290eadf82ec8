#include "azure/key_vault_source.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/keep_running.h"
#include "base/log.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

using certstore::Candidate;
using certstore::CertificatePtr;
using std::chrono::milliseconds;

constexpr milliseconds first_retry{5'000};  // after a poll that failed; doubled up to the interval
constexpr std::size_t most_followed = 1'000;
constexpr std::size_t most_older_versions = 3;  // that are tried where there is no good one yet

std::string selection_of(const config::KeyVaultCertificate& config) {
  if (!config.name.empty()) return config.version.empty() ? config.name : config.name + '/' + config.version;
  if (!config.prefix.empty()) return config.prefix + '*';
  std::string text;
  for (const auto& [name, value] : config.tags) text += fmt::format("{}{}={}", text.empty() ? "" : ",", name, value);
  return text;
}

// Not the trouble of one certificate: all others would meet it as well.
bool concerns_all(const AzureFailure& failure) {
  switch (reason_of(failure)) {
    case VaultReason::firewall:
    case VaultReason::throttled:
    case VaultReason::identity:
    case VaultReason::unreachable:
      return true;
    default:
      return failure.error.code == base::Code::cancelled;
  }
}

}  // namespace

KeyVaultSource::KeyVaultSource(std::shared_ptr<const Services> services, config::KeyVaultCertificate config,
                               Options options)
    : services_(std::move(services)),
      config_(std::move(config)),
      options_(std::move(options)),
      vault_(services_, config_.vault, config_.identity),
      random_(std::random_device{}()),
      rest_(options_.wait) {}

KeyVaultSource::~KeyVaultSource() = default;

std::string KeyVaultSource::name() const {
  return fmt::format("key vault {} {}{}", vault_.url(), config_.kind == KeyVault::Kind::secret ? "secret " : "",
                     selection_of(config_));
}

void KeyVaultSource::start(certstore::Report report) {
  report_ = std::move(report);
  if (!config_.name.empty()) held_.try_emplace(config_.name);
  thread_ =
      std::jthread([this](const std::stop_token& stop) { base::keep_running("key vault", stop, [&] { run(stop); }); });
  std::unique_lock lock(mutex_);
  if (changed_.wait_for(lock, options_.patience, [this] { return polled_; })) return;
  lock.unlock();
  const std::lock_guard reporting(reporting_);
  if (told_ || config_.name.empty()) return;
  report_(certstore::Change::some(
      {Candidate{.id = config_.name,
                 .certificate = base::fail(base::Code::timeout, "the vault has not answered yet",
                                           base::Origin::upstream, base::Retry::later),
                 .file_path = {},
                 .is_default = options_.is_default}},
      {}));
}

void KeyVaultSource::stop() {
  thread_ = {};
}

void KeyVaultSource::look() {
  rest_.wake();
}

KeyVaultStatus KeyVaultSource::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

bool KeyVaultSource::follows(std::string_view object) const {
  if (!config_.name.empty()) return object == config_.name;
  return config_.prefix.empty() || object.starts_with(config_.prefix);
}

std::optional<VaultProblem> KeyVaultSource::examine(const std::stop_token& stop) {
  auto followed = wanted(stop);
  if (!followed) return problem_of(std::move(followed.error()), "list what is in the vault");
  if (followed->empty()) return problem_of(VaultReason::not_found, "nothing in the vault is meant by this");
  const std::string& object = followed->front().name;
  auto versions = vault_.versions(config_.kind, object, stop);
  if (!versions) return problem_of(std::move(versions.error()), "list the versions of " + object);
  const std::vector<VaultItem> usable = enabled_newest_first(*std::move(versions));
  if (usable.empty()) return problem_of(VaultReason::disabled, object + ": no version of it is enabled");
  auto secret = vault_.secret(object, usable.front().version, stop);
  if (!secret) return problem_of(std::move(secret.error()), "get the secret of " + object);
  auto certificate = certificate_in(*secret);
  certstore::wipe(secret->value.data(), secret->value.size());
  if (certificate) return std::nullopt;
  return problem_of(VaultReason::content, object + ": " + certificate.error().what);
}

void KeyVaultSource::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const milliseconds pause = poll(stop);
    {
      const std::lock_guard lock(mutex_);
      status_.pause = pause;
      ++status_.rounds;
      polled_ = true;
      changed_.notify_all();
    }
    // Events push, and nobody knows how often: neither they nor what sends them ask the vault more often than this.
    const milliseconds quiet = std::min(pause, std::max(options_.between_looks, not_before_));
    if (!rest_.hold(quiet, stop)) return;
    (void)rest_.wait(pause - quiet, stop);
  }
}

milliseconds KeyVaultSource::jittered(milliseconds time) {
  const auto tenth = time.count() / 10;
  return time + milliseconds(std::uniform_int_distribution<std::int64_t>(-tenth, tenth)(random_));
}

bool KeyVaultSource::selects(const VaultItem& item) const {
  if (!follows(item.name)) return false;
  return std::ranges::all_of(config_.tags, [&](const auto& tag) {
    const auto found = item.tags.find(tag.first);
    return found != item.tags.end() && found->second == tag.second;
  });
}

// What is followed now. A certificate by its name is taken to be there: its versions tell.
Outcome<KeyVaultSource::Wanted> KeyVaultSource::wanted(const std::stop_token& stop) {
  if (!config_.name.empty()) return Wanted{VaultItem{.name = config_.name}};
  auto all = vault_.list(config_.kind, stop);
  if (!all) return all;
  std::erase_if(*all, [this](const VaultItem& item) { return !selects(item); });
  if (all->size() > most_followed) {
    return failed({base::Code::too_large, fmt::format("more than {} certificates to follow", most_followed),
                   base::Origin::upstream, base::Retry::later});
  }
  return all;
}

milliseconds KeyVaultSource::poll(const std::stop_token& stop) {
  not_before_ = milliseconds(0);
  auto followed = wanted(stop);
  if (!followed) return failed_poll(std::move(followed.error()));
  std::vector<std::string> gone;
  bool missing = false;  // from this list, and not from the one before
  for (auto held = held_.begin(); held != held_.end();) {
    const bool there = std::ranges::find(*followed, held->first, &VaultItem::name) != followed->end();
    // One list without it may be a fault of the vault's, or of something on the way.
    const bool again = !there && std::exchange(held->second.missed, true);
    if (there) held->second.missed = false;
    if (!there) {
      missing = missing || !again;
      base::log::warning(again ? "a certificate is gone from a key vault" : "a key vault lists a certificate no more",
                         {{"source", name()}, {"name", held->first}});
    }
    if (again) gone.push_back(held->first);
    held = again ? held_.erase(held) : std::next(held);
  }
  if (!gone.empty()) report(certstore::Change::some({}, std::move(gone)));
  for (const VaultItem& item : *followed) {
    Held& held = held_[item.name];
    // By name, the versions are looked at each time; in a list, only where its element is another than it was.
    const bool settled = config_.name.empty() && held.good && !held.problem && held.seen == item;
    if (settled && !whole_) continue;
    if (settled) {
      tell(item.name, held);
      continue;
    }
    if (auto failure = refresh(item.name, held, stop)) return failed_poll(*std::move(failure));
    held.seen = item;
  }
  if (!complete_) tell_everything();
  complete_ = true;
  whole_.reset();
  failures_ = 0;
  const std::lock_guard lock(mutex_);
  ++status_.polls;
  status_.last_success = services_->client->clock().now();
  status_.certificates = static_cast<std::size_t>(
      std::ranges::count_if(held_, [](const auto& entry) { return entry.second.good != nullptr; }));
  return jittered(missing ? std::min(config_.poll, first_retry) : config_.poll);
}

// The last good certificates stay: the store keeps them for candidates that are reported as failed.
milliseconds KeyVaultSource::failed_poll(AzureFailure failure) {
  if (failure.error.code == base::Code::cancelled) return config_.poll;
  const auto retry_after = failure.retry_after;
  VaultProblem problem =
      problem_of(std::move(failure), config_.name.empty() ? "list what is in the vault" : "read " + config_.name);
  {
    const std::lock_guard lock(mutex_);
    ++status_.failures[problem.reason];
  }
  const bool news = !whole_ || whole_->error.what != problem.error.what;
  whole_ = problem;
  if (news) {
    base::log::warning("key vault cannot be read", {{"source", name()}, {"error", problem.error.what}});
    for (auto& [object, held] : held_) {
      Candidate told = candidate(object, held);
      told.certificate = std::unexpected(problem.error);
      report(certstore::Change::some({std::move(told)}, {}));
    }
  }
  const milliseconds usual = std::min(config_.poll, first_retry * (1U << std::min(failures_, 10U)));
  ++failures_;
  not_before_ = retry_after.value_or(milliseconds(0));
  return std::max(jittered(usual), not_before_);
}

// The versions that may be served, the newest first; at least one.
Outcome<std::vector<VaultItem>> KeyVaultSource::usable_versions(const std::string& object, Held& held,
                                                                const std::stop_token& stop) {
  auto versions = vault_.versions(config_.kind, object, stop);
  if (!versions && !versions.error().not_found()) return versions;
  const bool absent = !versions || versions->empty();
  if (absent) {
    // Asked once, not at each poll.
    const bool known = held.problem && held.problem->reason == VaultReason::soft_deleted;
    if (known || vault_.is_soft_deleted(config_.kind, object, stop)) {
      fail(object, held,
           problem_of(VaultReason::soft_deleted,
                      fmt::format("{} was deleted and can be recovered in the vault", object)));
    } else {
      fail(object, held, problem_of(VaultReason::not_found, fmt::format("there is no {} in {}", object, vault_.url())));
    }
    return std::vector<VaultItem>();
  }
  if (!config_.version.empty()) {
    std::erase_if(*versions, [this](const VaultItem& item) { return item.version != config_.version; });
    if (versions->empty()) {
      fail(object, held,
           problem_of(VaultReason::not_found, fmt::format("{} has no version {}", object, config_.version)));
      return std::vector<VaultItem>();
    }
  }
  std::vector<VaultItem> usable = enabled_newest_first(*std::move(versions));
  if (usable.empty()) {
    const std::string which = config_.version.empty() ? "no version of it is enabled" : "its version is not enabled";
    fail(object, held, problem_of(VaultReason::disabled, fmt::format("{}: {}", object, which)));
  }
  return usable;
}

std::optional<AzureFailure> KeyVaultSource::refresh(const std::string& object, Held& held,
                                                    const std::stop_token& stop) {
  auto versions = usable_versions(object, held, stop);
  if (!versions) {
    if (concerns_all(versions.error()) || !config_.name.empty()) return std::move(versions.error());
    fail(object, held, problem_of(std::move(versions.error()), "list the versions of " + object));
    return std::nullopt;
  }
  if (versions->empty()) return std::nullopt;
  const VaultItem& newest = versions->front();
  if (held.version == newest.version) {
    const bool good = held.good_version == newest.version;
    const bool was_out = good && held.problem;  // disabled for a while, say
    if (was_out) held.problem.reset();
    if (was_out || whole_) tell(object, held);
    const bool of_content = held.problem && (held.problem->reason == VaultReason::content ||
                                             held.problem->reason == VaultReason::not_exportable);
    if (good || of_content) return std::nullopt;
  }
  if (auto failure = take_version(object, newest, held, stop)) return failure;
  if (!held.problem || held.good || held.problem->reason == VaultReason::permission) return std::nullopt;
  // Nothing good yet: an older version is better than none, and the trouble with the newest is told all the same.
  const VaultProblem problem = *held.problem;
  const std::size_t most = std::min(versions->size(), 1 + most_older_versions);
  for (std::size_t older = 1; older < most && !held.good; ++older) {
    if (auto failure = take_version(object, (*versions)[older], held, stop)) return failure;
  }
  if (held.good) fail(object, held, problem);
  held.version = newest.version;
  return std::nullopt;
}

std::optional<AzureFailure> KeyVaultSource::take_version(const std::string& object, const VaultItem& version,
                                                         Held& held, const std::stop_token& stop) {
  auto secret = vault_.secret(object, version.version, stop);
  if (!secret) {
    if (concerns_all(secret.error())) return std::move(secret.error());
    const auto expires = version.attributes.expires;
    const bool over = expires && *expires <= services_->client->clock().now();
    if (over && secret.error().status == 403 && reason_of(secret.error()) == VaultReason::permission) {
      fail(object, held,
           problem_of(VaultReason::expired, fmt::format("the vault does not give out the version {} of {} any more: {}",
                                                        version.version, object, secret.error().error.what)));
    } else {
      fail(object, held, problem_of(std::move(secret.error()), "get the secret of " + object));
    }
    return std::nullopt;
  }
  held.version = version.version;
  {
    const std::lock_guard lock(mutex_);
    ++status_.versions;
  }
  auto certificate = certificate_in(*secret);
  certstore::wipe(secret->value.data(), secret->value.size());
  if (certificate) {
    held.good = *std::move(certificate);
    held.good_version = version.version;
    held.problem.reset();
    tell(object, held);
    return std::nullopt;
  }
  const bool keyless = certificate.error().code == base::Code::not_found;
  fail(object, held,
       problem_of(keyless ? VaultReason::not_exportable : VaultReason::content,
                  fmt::format("version {} of {}: {}", version.version, object, certificate.error().what)));
  return std::nullopt;
}

void KeyVaultSource::fail(const std::string& object, Held& held, VaultProblem problem) {
  {
    const std::lock_guard lock(mutex_);
    ++status_.failures[problem.reason];
  }
  const bool news = !held.problem || held.problem->error.what != problem.error.what || whole_;
  held.problem = std::move(problem);
  if (!news) return;
  base::log::warning("certificate of a key vault cannot be used",
                     {{"source", name()}, {"error", held.problem->error.what}});
  tell(object, held);
}

Candidate KeyVaultSource::candidate(const std::string& object, const Held& held) const {
  Candidate told{.id = object, .certificate = held.good, .file_path = {}, .is_default = options_.is_default};
  if (held.problem) told.certificate = std::unexpected(held.problem->error);
  return told;
}

void KeyVaultSource::tell(const std::string& object, const Held& held) {
  report(certstore::Change::some({candidate(object, held)}, {}));
}

// What another source of this name has left behind goes with this.
void KeyVaultSource::tell_everything() {
  certstore::Change change;
  for (const auto& [object, held] : held_) change.candidates.push_back(candidate(object, held));
  report(std::move(change));
}

void KeyVaultSource::report(certstore::Change change) {
  const std::lock_guard reporting(reporting_);
  told_ = true;
  report_(std::move(change));
}

}  // namespace azure
