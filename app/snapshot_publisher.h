// SnapshotPublisher: the one place where the parts of a snapshot come together. Parts change from any thread of the
// control plane; what changes in a burst goes to the workers together, with one growing generation.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <stop_token>
#include <thread>

#include "proxy/snapshot.h"

namespace app {

class SnapshotPublisher {
 public:
  using Publish = std::function<void(proxy::SnapshotPtr)>;
  using Change = std::function<void(proxy::Snapshot&)>;

  // `publish` runs on the publisher's thread, one call at a time, in order. At least `gap` lies between two calls.
  explicit SnapshotPublisher(Publish publish, std::chrono::milliseconds gap = std::chrono::milliseconds(20));
  // Publishes nothing more, and joins.
  ~SnapshotPublisher();
  SnapshotPublisher(const SnapshotPublisher&) = delete;
  SnapshotPublisher& operator=(const SnapshotPublisher&) = delete;

  // Changes parts of the next snapshot; must not touch its generation. Any thread; does not wait for the publishing.
  void change(const Change& change);

  // While one lives nothing is published, so that a change of several parts is seen whole or not at all.
  class Hold {
   public:
    explicit Hold(SnapshotPublisher& publisher);
    ~Hold();
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    SnapshotPublisher& publisher_;
  };

  // Until everything that was changed before this call is published. Blocking; not under a Hold of the same thread.
  void flush();

  // Until one of a later generation than this is published, this time is over, or `stop` is asked for. Blocking.
  void wait_after(std::uint64_t generation, std::chrono::milliseconds patience, const std::stop_token& stop);

  // The last one that was published, or is being published; null before the first.
  [[nodiscard]] proxy::SnapshotPtr current() const;

 private:
  void run(const std::stop_token& stop);

  Publish publish_;
  std::chrono::milliseconds gap_;
  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::condition_variable_any published_;
  proxy::Snapshot parts_;
  proxy::SnapshotPtr current_;
  std::uint64_t changes_ = 0;
  std::uint64_t changes_published_ = 0;
  unsigned holds_ = 0;
  std::jthread thread_;
};

}  // namespace app
