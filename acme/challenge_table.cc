#include "acme/challenge_table.h"

#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <system_error>
#include <utility>

#include "acme/challenge_folder.h"
#include "acme/live_processes.h"
#include "base/log.h"
#include "config/watch.h"

namespace acme {
namespace {

constexpr std::chrono::milliseconds patience_with_others{2000};
constexpr std::chrono::milliseconds look_again{10};
constexpr std::chrono::hours longest_without_a_look{1};  // what is too old is taken away then

std::filesystem::path made(const std::filesystem::path& folder) {
  std::error_code problem;  // shows when something is written
  for (const std::filesystem::path& each : {folder, folder / "processes"}) {
    if (std::filesystem::create_directories(each, problem)) {
      std::filesystem::permissions(each, std::filesystem::perms::owner_all, problem);
    }
  }
  return folder;
}

}  // namespace

// Lives as long as the table. `mutex_` guards the folder and what is published; it is held while this process's workers
// take a table over, so that an older one never comes after a newer one.
class FolderChallengeTable::Loop {
 public:
  Loop(const std::filesystem::path& folder, Publish publish)
      : folder_(made(folder)), processes_(folder / "processes"), publish_(std::move(publish)) {
    if (const auto joined = processes_.join(); !joined) {
      base::log::warning("challenges of other processes may come late", {{"reason", joined.error().what}});
    }
    // First the watch, then the first look: what changes in between is seen twice rather than not at all.
    config::FileWatch::Options options;
    options.settle = std::chrono::milliseconds(1);
    options.longest = std::chrono::milliseconds(20);
    options.poll = std::chrono::milliseconds(500);
    watch_ = std::make_unique<config::FileWatch>(
        std::vector{folder_.generation_file()}, [this](const auto&) { refresh(); }, options);
    const std::lock_guard lock(mutex_);
    const std::uint64_t generation = folder_.generation();
    hand_over(read(), generation);
  }

  // Publishes what the folder holds if it has changed since the last time.
  void refresh() {
    const std::lock_guard lock(mutex_);
    // Before the entries are listed: what is acknowledged has been seen.
    if (const std::uint64_t generation = folder_.generation(); generation != published_) {
      hand_over(read(), generation);
    }
  }

  template <class Write>
  base::Result<void> put(Write write, std::stop_token stop) {
    std::uint64_t generation = 0;
    {
      const std::lock_guard lock(mutex_);
      if (entries_ >= ChallengeFolder::most_entries) {
        return base::fail(base::Code::overloaded, "there are too many challenges already");
      }
      if (auto written = write(folder_); !written) return written;
      const auto changed = folder_.changed();
      if (!changed) return std::unexpected(changed.error());
      generation = changed->now;
      publish_change(*changed);
    }
    return wait_for_others(generation, std::move(stop));
  }

  void remove(ChallengeFolder::Kind kind, const std::string& name) {
    const std::lock_guard lock(mutex_);
    const auto removed = folder_.remove(kind, name);
    if (removed && !*removed) return;
    if (const auto changed = removed ? folder_.changed() : std::unexpected(removed.error())) {
      publish_change(*changed);
    } else {
      base::log::warning("challenge not taken away", {{"name", name}, {"reason", changed.error().what}});
    }
  }

 private:
  // A change of ours. Where another process has changed the folder since the last look, that is looked for.
  void publish_change(const ChallengeFolder::Generations& changed) {
    const bool enough = changed.before == published_ && std::chrono::steady_clock::now() < next_look_;
    hand_over(enough ? folder_.known() : read(), changed.now);
  }

  certstore::Challenges read() {
    next_look_ = std::chrono::steady_clock::now() + longest_without_a_look;
    return folder_.read();
  }

  void hand_over(certstore::Challenges found, std::uint64_t generation) {
    auto all = std::make_shared<const certstore::Challenges>(std::move(found));
    entries_ = all->http01.size() + all->tls_alpn01.size();
    publish_(std::move(all));
    published_ = generation;
    processes_.acknowledge(generation);
  }

  base::Result<void> wait_for_others(std::uint64_t generation, std::stop_token stop) {
    const auto end = std::chrono::steady_clock::now() + patience_with_others;
    std::mutex mutex;
    std::condition_variable_any nobody_wakes;  // others write into a file of theirs; only `stop` ends a wait early
    while (const unsigned behind = processes_.behind(generation)) {
      const auto now = std::chrono::steady_clock::now();
      if (stop.stop_requested()) return base::fail(base::Code::cancelled, "challenge: stopped");
      if (now >= end) {
        base::log::warning("processes that share the challenges do not answer", {{"count", std::to_string(behind)}});
        return {};
      }
      std::unique_lock waiting(mutex);
      nobody_wakes.wait_until(waiting, stop, now + look_again, [] { return false; });
    }
    return {};
  }

  std::mutex mutex_;
  ChallengeFolder folder_;
  LiveProcesses processes_;
  Publish publish_;
  std::uint64_t published_ = 0;
  std::chrono::steady_clock::time_point next_look_;
  std::size_t entries_ = 0;
  std::unique_ptr<config::FileWatch> watch_;  // last: its thread ends before the rest goes
};

FolderChallengeTable::FolderChallengeTable(std::filesystem::path folder, Publish publish)
    : loop_(std::make_unique<Loop>(folder, std::move(publish))) {}

FolderChallengeTable::~FolderChallengeTable() = default;

base::Result<void> FolderChallengeTable::put_http01(const std::string& token, const std::string& key_authorization,
                                                    std::stop_token stop) {
  return loop_->put([&](ChallengeFolder& folder) { return folder.write_http01(token, key_authorization); },
                    std::move(stop));
}

base::Result<void> FolderChallengeTable::put_tls_alpn01(const std::string& server_name,
                                                        const certstore::CertificatePtr& certificate,
                                                        std::stop_token stop) {
  if (!certificate) return base::fail(base::Code::invalid, "challenge: no certificate");
  return loop_->put([&](ChallengeFolder& folder) { return folder.write_tls_alpn01(server_name, *certificate); },
                    std::move(stop));
}

void FolderChallengeTable::remove_http01(const std::string& token) {
  loop_->remove(ChallengeFolder::Kind::http01, token);
}

void FolderChallengeTable::remove_tls_alpn01(const std::string& server_name) {
  loop_->remove(ChallengeFolder::Kind::tls_alpn01, server_name);
}

}  // namespace acme
