// MirrorWriter: keeps copies of certificates' Secrets in other namespaces as they are to be, on the replica that leads.
// What others write into them is corrected. A Secret that is no mirror of the same source, nor prepared by its owner to
// be one, is never written.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <set>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

#include "kube/backoff.h"
#include "kube/client.h"
#include "kube/event_recorder.h"
#include "kube/list_watch.h"
#include "kube/mirror_book.h"
#include "kube/mirror_state.h"

namespace kube {

// Any thread.
class MirrorWriter final : private WatchHandler {
 public:
  enum class Mirrors : std::uint8_t { off, on };  // off: whoever asks for one is told so
  struct Options {
    Mirrors mirrors = Mirrors::off;
    Pace pace = {};  // of the watch on Namespaces, and of trying again
    std::chrono::milliseconds look_again{60'000};
  };

  // Both outlive it.
  MirrorWriter(Client& client, EventRecorder& events, Options options);
  ~MirrorWriter() override;
  MirrorWriter(const MirrorWriter&) = delete;
  MirrorWriter& operator=(const MirrorWriter&) = delete;

  // A Secret as it is now; null: it is gone. Copies what it needs.
  void seen(const ObjectName& name, const nlohmann::json* secret);
  // All Secrets that there are have been seen.
  void complete();
  // Whether this replica is the one that writes.
  void lead(bool leads);

  [[nodiscard]] std::vector<MirrorState> states() const;

 private:
  struct Link {
    MirrorState state;
    std::string told;  // in an Event
  };
  struct Retry {
    Backoff backoff;
    base::SteadyTime next{};
    MirrorDigest written{};  // by us, the last time
    std::string problem;     // of the last attempt
  };
  struct Task {
    MirrorKey key;
    MirrorBook::SourcePtr source;  // null: the mirror is to go
  };

  void run(const std::stop_token& stop);
  // With mutex_ held.
  [[nodiscard]] bool known() const;
  [[nodiscard]] std::vector<Task> look();
  void look(const MirrorKey& key, const MirrorSource& source);
  void tell_refusals();
  [[nodiscard]] std::chrono::milliseconds pause() const;
  [[nodiscard]] Retry& retry(const MirrorKey& key);
  // What a call brought; the watch may have told something newer meanwhile. False: it has.
  bool see(const ObjectName& name, const nlohmann::json* secret, std::uint64_t told_before);
  [[nodiscard]] std::uint64_t told_of(const ObjectName& name) const;
  void tell(const MirrorSource& source, NoticeType type, const char* reason, std::string message);

  [[nodiscard]] Outcome<void> write(const Task& task, const std::stop_token& stop);
  [[nodiscard]] Outcome<void> drop(const Task& task, const std::stop_token& stop);
  void finished(const Task& task, const Outcome<void>& outcome);

  void replaced(std::vector<nlohmann::json> objects) override;
  void changed(nlohmann::json object) override;
  void deleted(const ObjectName& name) override;
  void synced() override;

  Client& client_;
  EventRecorder& events_;
  const Options options_;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any changed_;
  MirrorBook book_;
  std::map<MirrorKey, Link> links_;
  std::map<MirrorKey, Retry> retries_;
  std::map<ObjectName, std::uint64_t> told_;              // how often by the watch
  std::map<ObjectName, std::set<std::string>> refusals_;  // of annotations, in Events
  bool news_ = false;
  bool leads_ = false;
  bool secrets_known_ = false;
  bool namespaces_known_ = false;
  std::mt19937 generator_{std::random_device{}()};
  std::unique_ptr<ListWatch> namespaces_;  // null: mirrors are off
  std::jthread thread_;
};

}  // namespace kube
