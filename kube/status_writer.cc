#include "kube/status_writer.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/keep_running.h"
#include "base/log.h"
#include "base/wait.h"
#include "kube/metadata.h"

namespace kube {
namespace {

constexpr std::chrono::seconds after_failure{2};

}  // namespace

StatusWriter::StatusWriter(Client& client)
    : client_(client), thread_([this](const std::stop_token& stop) {
        base::keep_running("status of Ingresses", stop, [&] { run(stop); });
      }) {}

StatusWriter::~StatusWriter() = default;

void StatusWriter::seen(const ObjectName& name, std::optional<IngressAddresses> says) {
  const std::lock_guard lock(mutex_);
  if (!says) {
    entries_.erase(name);
    pending_.erase(name);
    return;
  }
  Entry& entry = entries_[name];
  entry.says = *std::move(says);
  ++entry.seen;
  look(name);
}

void StatusWriter::ours(const ObjectName& name, bool is_ours) {
  const std::lock_guard lock(mutex_);
  const auto found = entries_.find(name);
  if (found == entries_.end()) return;
  found->second.was_ours = (found->second.was_ours || found->second.ours) && !is_ours;
  found->second.ours = is_ours;
  look(name);
}

void StatusWriter::publish(IngressAddresses addresses) {
  const std::lock_guard lock(mutex_);
  if (addresses_ == addresses) return;
  addresses_ = std::move(addresses);
  for (const auto& [name, entry] : entries_) look(name);
}

void StatusWriter::lead(bool leads) {
  const std::lock_guard lock(mutex_);
  leads_ = leads;
  if (leads_) changed_.notify_all();
}

void StatusWriter::look(const ObjectName& name) {
  if (!task_for(name)) {
    pending_.erase(name);
  } else if (pending_.insert(name).second && leads_) {
    changed_.notify_all();
  }
}

std::optional<StatusWriter::Task> StatusWriter::task_for(const ObjectName& name) const {
  const auto found = entries_.find(name);
  if (found == entries_.end() || !addresses_) return std::nullopt;
  const Entry& entry = found->second;
  if (entry.ours && entry.says != *addresses_) return Task{name, *addresses_, entry.seen};
  // Whoever serves it now may have written there already.
  if (entry.was_ours && !addresses_->empty() && entry.says == *addresses_) {
    return Task{name, IngressAddresses::array(), entry.seen};
  }
  return std::nullopt;
}

std::optional<StatusWriter::Task> StatusWriter::next() {
  const std::lock_guard lock(mutex_);
  if (!leads_ || pending_.empty()) return std::nullopt;
  // One after the other, so that one that cannot be written does not hold up the rest.
  auto turn = pending_.upper_bound(last_);
  if (turn == pending_.end()) turn = pending_.begin();
  last_ = *turn;
  pending_.erase(turn);
  return task_for(last_);
}

void StatusWriter::run(const std::stop_token& stop) {
  for (;;) {
    {
      std::unique_lock lock(mutex_);
      if (!changed_.wait(lock, stop, [this] { return leads_ && !pending_.empty(); })) return;
    }
    const auto task = next();
    bool over = !task;
    if (task) static_cast<void>(base::attempt("status of an Ingress", [&] { over = write(*task, stop); }));
    if (over) continue;
    {
      const std::lock_guard lock(mutex_);
      look(task->name);
    }
    if (!base::wait_for(after_failure, stop)) return;
  }
}

// False: try again later.
bool StatusWriter::write(const Task& task, const std::stop_token& stop) {
  const auto written = client_.merge(resources::ingresses, task.name, status_patch(task.addresses), "status", stop);
  const std::lock_guard lock(mutex_);
  if (written) {
    ++counters_.written;
    // The watch says so too, a moment later; or has said more already, of which this may be the older part.
    const auto entry = entries_.find(task.name);
    if (entry != entries_.end() && entry->second.seen == task.seen) entry->second.says = task.addresses;
    return true;
  }
  if (written.error().not_found() || stop.stop_requested()) return true;
  ++counters_.failed;
  base::log::warning("the status of an Ingress is not written",
                     {{"ingress", to_string(task.name)}, {"reason", written.error().error.what}});
  return false;
}

void StatusWriter::clear(const std::stop_token& stop) {
  std::vector<Task> tasks;
  {
    const std::lock_guard lock(mutex_);
    leads_ = false;  // nothing else is written any more
    if (!addresses_ || addresses_->empty()) return;
    for (const auto& [name, entry] : entries_) {
      if (entry.ours && entry.says == *addresses_) tasks.push_back({name, IngressAddresses::array(), entry.seen});
    }
  }
  for (const Task& task : tasks) {
    if (stop.stop_requested()) return;
    (void)write(task, stop);
  }
}

StatusWriter::Counters StatusWriter::counters() const {
  const std::lock_guard lock(mutex_);
  Counters counters = counters_;
  counters.pending = pending_.size();
  return counters;
}

}  // namespace kube
