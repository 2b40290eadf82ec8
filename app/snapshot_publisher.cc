#include "app/snapshot_publisher.h"

#include <memory>
#include <utility>

#include "base/keep_running.h"

namespace app {

SnapshotPublisher::SnapshotPublisher(Publish publish, std::chrono::milliseconds gap)
    : publish_(std::move(publish)),
      gap_(gap),
      thread_([this](const std::stop_token& stop) { base::keep_running("snapshots", stop, [&] { run(stop); }); }) {}

SnapshotPublisher::~SnapshotPublisher() = default;

void SnapshotPublisher::change(const Change& change) {
  {
    const std::lock_guard lock(mutex_);
    change(parts_);
    ++changes_;
  }
  changed_.notify_all();
}

void SnapshotPublisher::flush() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = changes_;
  published_.wait(lock, [&] { return changes_published_ >= wanted; });
}

void SnapshotPublisher::wait_after(std::uint64_t generation, std::chrono::milliseconds patience,
                                   const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  (void)published_.wait_for(lock, stop, patience,
                            [&] { return current_ != nullptr && current_->generation > generation; });
}

proxy::SnapshotPtr SnapshotPublisher::current() const {
  const std::lock_guard lock(mutex_);
  return current_;
}

void SnapshotPublisher::run(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  while (changed_.wait(lock, stop, [this] { return holds_ == 0 && changes_ != changes_published_; })) {
    ++parts_.generation;
    const auto snapshot = std::make_shared<const proxy::Snapshot>(parts_);
    const std::uint64_t changes = changes_;
    // Told before it is served: whoever is served by it and asks then finds nothing older.
    current_ = snapshot;
    lock.unlock();
    publish_(snapshot);
    lock.lock();
    changes_published_ = changes;
    published_.notify_all();
    // Whatever else arrives in this time goes out together.
    changed_.wait_for(lock, stop, gap_, [] { return false; });
  }
}

SnapshotPublisher::Hold::Hold(SnapshotPublisher& publisher) : publisher_(publisher) {
  const std::lock_guard lock(publisher_.mutex_);
  ++publisher_.holds_;
}

SnapshotPublisher::Hold::~Hold() {
  {
    const std::lock_guard lock(publisher_.mutex_);
    --publisher_.holds_;
  }
  publisher_.changed_.notify_all();
}

}  // namespace app
