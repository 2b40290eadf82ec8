#include "kube/event_recorder.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "base/keep_running.h"
#include "base/log.h"
#include "base/timestamps.h"
#include "kube/object_names.h"

namespace kube {
namespace {

constexpr std::size_t longest_message = 1024;  // of the API
constexpr std::chrono::minutes window{10};
constexpr std::chrono::minutes refill{5};
constexpr std::chrono::seconds last_words{2};
constexpr std::string_view combined = "(combined from similar events): ";

std::string_view type_of(NoticeType type) {
  return type == NoticeType::warning ? "Warning" : "Normal";
}

std::string subject_of(const Notice& event) {
  const ObjectRef& about = event.object;
  return fmt::format("{}/{}/{}/{}/{}", about.api_version, about.kind, about.name.name_space, about.name.name,
                     about.uid);
}

}  // namespace

EventRecorder::EventRecorder(Client& client, Options options)
    : client_(client), options_(std::move(options)), thread_([this](const std::stop_token& stop) {
        base::keep_running("Kubernetes Events", stop, [&] { run(stop); });
      }) {}

EventRecorder::~EventRecorder() {
  {
    std::unique_lock lock(mutex_);
    more_.wait_for(lock, last_words, [this] { return queue_.empty() && !busy_; });
  }
  thread_.request_stop();
}

void EventRecorder::tell(Notice event) {
  event.message = acme::shown(event.message, longest_message - combined.size());
  const std::lock_guard lock(mutex_);
  if (queue_.size() >= options_.queue) {
    queue_.pop_front();
    ++counters_.dropped;
  }
  queue_.push_back(std::move(event));
  more_.notify_all();
}

EventRecorder::Counters EventRecorder::counters() const {
  const std::lock_guard lock(mutex_);
  return counters_;
}

void EventRecorder::run(const std::stop_token& stop) {
  for (;;) {
    Notice event;
    {
      std::unique_lock lock(mutex_);
      if (!more_.wait(lock, stop, [this] { return !queue_.empty(); })) return;
      event = std::move(queue_.front());
      queue_.pop_front();
      busy_ = true;
    }
    static_cast<void>(base::attempt("Kubernetes Event", [&] { write(std::move(event), stop); }));
    const std::lock_guard lock(mutex_);
    busy_ = false;
    more_.notify_all();
    if (stop.stop_requested()) return;
  }
}

void EventRecorder::write(Notice event, const std::stop_token& stop) {
  const std::string subject = subject_of(event);
  const std::string reason = fmt::format("{}/{}/{}", subject, type_of(event.type), event.reason);
  const std::string key = reason + '/' + text_for(reason, event.message);
  if (key.ends_with(combined)) event.message.insert(0, combined);
  if (!allowed(subject)) {
    const std::lock_guard lock(mutex_);
    ++counters_.dropped;
    return;
  }
  forget_old();
  const auto known = written_.find(key);
  Outcome<void> done;
  const base::SteadyTime now = client_.clock().steady();
  if (known != written_.end() && now - known->second.last < window) {
    done = count_up(known->second, event, stop);
  } else {
    const std::string name =
        fmt::format("{}.{:x}", event.object.name.name.substr(0, 200),
                    static_cast<std::uint64_t>(client_.clock().now().time_since_epoch().count()) + ++serial_);
    const auto made = client_.create(resources::core_events, object_for(event, name), stop);
    if (made) {
      written_.insert_or_assign(key, Written{name, 1, now});
    } else {
      done = std::unexpected(made.error());
    }
  }
  const std::lock_guard lock(mutex_);
  if (done) {
    ++counters_.written;
  } else if (counters_.failed++ == 0) {
    base::log::warning("an Event could not be written", {{"reason", done.error().error.what}});
  }
}

Outcome<void> EventRecorder::count_up(Written& before, const Notice& event, const std::stop_token& stop) {
  const nlohmann::json patch{{"count", before.count + 1},
                             {"lastTimestamp", base::to_rfc3339(client_.clock().now())},
                             {"message", event.message}};
  const ObjectName name{event.object.name.name_space.empty() ? "default" : event.object.name.name_space, before.name};
  const auto patched = client_.merge(resources::core_events, name, patch, {}, stop);
  if (patched) {
    ++before.count;
    before.last = client_.clock().steady();
    return {};
  }
  if (!patched.error().not_found()) return std::unexpected(patched.error());
  // The API forgets Events after an hour, or somebody has cleaned up.
  nlohmann::json anew = object_for(event, before.name);
  anew["count"] = before.count + 1;
  const auto made = client_.create(resources::core_events, anew, stop);
  if (!made) return std::unexpected(made.error());
  ++before.count;
  before.last = client_.clock().steady();
  return {};
}

nlohmann::json EventRecorder::object_for(const Notice& event, const std::string& name) const {
  const ObjectRef& about = event.object;
  const std::string now = base::to_rfc3339(client_.clock().now());
  nlohmann::json object{{"apiVersion", "v1"},
                        {"kind", "Event"},
                        {"type", type_of(event.type)},
                        {"reason", event.reason},
                        {"message", event.message},
                        {"count", 1},
                        {"firstTimestamp", now},
                        {"lastTimestamp", now},
                        {"reportingComponent", options_.component},
                        {"reportingInstance", options_.instance}};
  // What belongs to the cluster has its Events in the namespace "default".
  const std::string name_space = about.name.name_space.empty() ? "default" : about.name.name_space;
  object["metadata"] = {{"name", name}, {"namespace", name_space}};
  object["source"] = {{"component", options_.component}};
  object["involvedObject"] = {{"apiVersion", about.api_version},
                              {"kind", about.kind},
                              {"name", about.name.name},
                              {"namespace", about.name.name_space},
                              {"uid", about.uid}};
  return object;
}

bool EventRecorder::allowed(const std::string& subject) {
  const base::SteadyTime now = client_.clock().steady();
  const auto [found, is_new] = subjects_.try_emplace(subject, Subject{static_cast<double>(options_.burst), now});
  Subject& its = found->second;
  const double gained = std::chrono::duration<double>(now - its.counted) / std::chrono::duration<double>(refill);
  its.tokens = std::min<double>(options_.burst, its.tokens + gained);
  its.counted = now;
  if (its.tokens < 1) return false;
  its.tokens -= 1;
  return true;
}

std::string EventRecorder::text_for(const std::string& reason_key, const std::string& message) {
  const base::SteadyTime now = client_.clock().steady();
  const auto known = written_.find(reason_key + '/' + message);
  if (known != written_.end() && now - known->second.last < window) return message;
  Reason& reason = reasons_.try_emplace(reason_key, Reason{0, now}).first->second;
  if (now - reason.since >= window) reason = {0, now};
  return ++reason.texts > options_.distinct ? std::string(combined) : message;
}

// Bounded: what is oldest goes first where there is too much of it.
void EventRecorder::forget_old() {
  const base::SteadyTime now = client_.clock().steady();
  if (written_.size() >= options_.remembered) {
    std::erase_if(written_, [&](const auto& each) { return now - each.second.last >= window; });
    if (written_.size() >= options_.remembered) written_.clear();
  }
  if (subjects_.size() >= options_.remembered) subjects_.clear();
  if (reasons_.size() >= options_.remembered) reasons_.clear();
}

}  // namespace kube
