#include "kube/list_watch.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "acme/json_fields.h"
#include "base/keep_running.h"
#include "base/log.h"
#include "base/wait.h"

namespace kube {
namespace {

constexpr std::chrono::milliseconds patience_with_server{30'000};  // after the time that it was asked to keep
constexpr std::chrono::milliseconds initial_timeout{300'000};
constexpr std::chrono::milliseconds initial_idle{20'000};
constexpr std::chrono::seconds shortest_good_watch{1};
constexpr std::chrono::milliseconds look_for_others_every{500};

bool ends_initial_events(const nlohmann::json& bookmark) {
  const nlohmann::json* metadata = acme::member(bookmark, "metadata");
  const nlohmann::json* annotations = metadata == nullptr ? nullptr : acme::member(*metadata, "annotations");
  const std::string* end =
      annotations == nullptr ? nullptr : acme::text_member(*annotations, "k8s.io/initial-events-end");
  return end != nullptr && *end == "true";
}

// In memory, about.
std::size_t size_of(const nlohmann::json& value) {
  constexpr std::size_t node = 80;
  std::size_t size = node;
  if (value.is_string()) return size + value.get_ref<const std::string&>().size();
  if (value.is_object()) {
    for (const auto& [key, member] : value.items()) size += key.size() + size_of(member);
  } else if (value.is_array()) {
    for (const nlohmann::json& member : value) size += size_of(member);
  }
  return size;
}

ApiFailure stream_failure(base::Error error) {
  return ApiFailure{.error = std::move(error)};
}

// The server has not seen yet, or no longer knows, what we have seen: it was restored, or it lags.
bool ahead_of_server(const ApiFailure& failure) {
  return failure.status == 504 && failure.message.contains("Too large resource version");
}

}  // namespace

ListWatch::ListWatch(Client& client, Options options, WatchHandler& handler)
    : client_(client),
      options_(std::move(options)),
      handler_(handler),
      events_at_first_(options_.begin == Begin::as_events),
      backoff_(options_.pace) {}

ListWatch::~ListWatch() = default;

void ListWatch::start() {
  thread_ = std::jthread([this](const std::stop_token& stop) {
    base::keep_running("watch of the Kubernetes API", stop, [&] {
      // What the handler may not have taken is told again.
      version_.clear();
      for (auto& [name, version] : known_) version.clear();
      run(stop);
    });
  });
}

void ListWatch::request_stop() {
  thread_.request_stop();
}

WatchState ListWatch::state() const {
  const std::lock_guard lock(mutex_);
  return state_;
}

void ListWatch::run(const std::stop_token& stop) {
  while (!stop.stop_requested()) {
    const auto done = step(stop);
    if (stop.stop_requested()) return;
    if (done && !absent_) continue;
    if (done) {
      (void)base::wait_for(options_.look_again, stop);
      continue;
    }
    const std::uint64_t successes = client_.successes();
    {
      const std::lock_guard lock(mutex_);
      if (state_.connected || state_.failures == 0) {
        base::log::warning("the Kubernetes API cannot be watched",
                           {{"resource", std::string(options_.resource.plural)}, {"reason", done.error().error.what}});
      }
      ++state_.failures;
      state_.connected = false;
      state_.last_failure = done.error().error.what;
    }
    wait_after(done.error(), successes, stop);
  }
}

// Where nobody answered, or nobody knew us, pauses grow long; but some other call finds the API again within seconds,
// and then nothing is gained by waiting. Where the API answered that it can do no more, the pause holds.
void ListWatch::wait_after(const ApiFailure& failure, std::uint64_t successes, const std::stop_token& stop) {
  const bool was_away = failure.status == 0 || failure.status == 401;
  const auto end = std::chrono::steady_clock::now() + pause_after(failure);
  const auto left = [&] {
    return std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
  };
  while (was_away && client_.successes() == successes) {
    if (left().count() <= 0 || !base::wait_for(std::min(left(), look_for_others_every), stop)) return;
  }
  const auto soon = std::chrono::duration_cast<std::chrono::milliseconds>(options_.spread * random());
  (void)base::wait_for(was_away ? std::min(left(), soon) : left(), stop);
}

// One list, or one watch to its end.
Outcome<void> ListWatch::step(const std::stop_token& stop) {
  if (version_.empty()) return fill(stop);
  const auto begun = std::chrono::steady_clock::now();
  const std::uint64_t before = state().events;
  auto ended = follow(stop);
  if (!ended) {
    if (ended.error().expired() || ahead_of_server(ended.error())) {
      version_.clear();
      count(&WatchState::expired);
      // Only a server that forgets again what it has just told is to be left alone for longer.
      if (std::exchange(listed_in_vain_, true)) return ended;
      static_cast<void>(
          base::wait_for(std::chrono::duration_cast<std::chrono::milliseconds>(options_.spread * random()), stop));
      return {};
    }
    return ended;
  }
  if (state().events == before && std::chrono::steady_clock::now() - begun < shortest_good_watch) {
    return failed({base::Code::closed, "the server ended a watch as soon as it had begun", base::Origin::upstream,
                   base::Retry::later});
  }
  return {};
}

Outcome<void> ListWatch::fill(const std::stop_token& stop) {
  Outcome<Listed> listed =
      events_at_first_ ? initial_events(stop) : client_.list(options_.resource, options_.selection, stop);
  if (!listed && events_at_first_ && !stop.stop_requested() && listed.error().status / 100 != 5) {
    // 422: the server has no such feature. An older one takes it for a plain watch, and its initial events never end.
    const ApiFailure& failure = listed.error();
    if (failure.status == 422 || failure.status == 400 || failure.error.code == base::Code::timeout) {
      events_at_first_ = false;
      listed = client_.list(options_.resource, options_.selection, stop);
    }
  }
  absent_ = false;
  if (!listed) {
    if (options_.presence == Presence::required || !listed.error().not_found() || !known_.empty()) {
      return std::unexpected(std::move(listed.error()));
    }
    absent_ = true;
    listed = Listed{};
    if (complete_once_) return {};
  }
  for (nlohmann::json& object : listed->items) trim(object);
  count(&WatchState::lists);
  touched();
  reconcile(*std::move(listed));
  return {};
}

Outcome<Listed> ListWatch::initial_events(const std::stop_token& stop) {
  Listed listed;
  std::optional<ApiFailure> failure;
  bool complete = false;
  std::size_t size = 0;
  WatchStream events([&](WatchEvent event) {
    if (event.type == WatchEvent::Type::error) {
      failure = failure_from_status(event.object);
      return false;
    }
    if (event.type == WatchEvent::Type::bookmark) {
      complete = ends_initial_events(event.object);
      if (complete) listed.resource_version = metadata_text(event.object, "resourceVersion");
      return !complete;
    }
    trim(event.object);
    size += size_of(event.object);
    if (size > largest_state) {
      failure = stream_failure(
          {base::Code::too_large, "all objects together are too large", base::Origin::upstream, base::Retry::later});
      return false;
    }
    listed.items.push_back(std::move(event.object));
    return true;
  });
  Client::Stream stream{.path = query("sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=300"),
                        .timeout = initial_timeout,
                        .idle_timeout = std::min(initial_idle, options_.idle),
                        .on_bytes = [&](std::string_view bytes) {
                          touched();
                          auto wanted = events.feed(bytes);
                          if (!wanted) failure = stream_failure(std::move(wanted.error()));
                          return wanted && *wanted;
                        }};
  auto ended = client_.stream(std::move(stream), stop);
  if (failure) return std::unexpected(*std::move(failure));
  if (complete) return listed;
  if (!ended) return std::unexpected(std::move(ended.error()));
  return failed(
      {base::Code::timeout, "the initial events of a watch did not end", base::Origin::upstream, base::Retry::later});
}

Outcome<void> ListWatch::follow(const std::stop_token& stop) {
  const auto asked = std::chrono::ceil<std::chrono::seconds>(options_.shortest * (1.0 + random()));
  std::optional<ApiFailure> failure;
  WatchStream events([&](WatchEvent event) {
    if (auto taken = take(std::move(event)); !taken) failure = std::move(taken.error());
    return !failure;
  });
  Client::Stream stream{
      .path = query(fmt::format("resourceVersion={}&timeoutSeconds={}", percent_encoded(version_), asked.count())),
      .timeout = asked + patience_with_server,
      .idle_timeout = options_.idle,
      .on_bytes = [&](std::string_view bytes) {
        touched();
        auto wanted = events.feed(bytes);
        if (!wanted) failure = stream_failure(std::move(wanted.error()));
        return wanted && *wanted;
      }};
  count(&WatchState::watches);
  const auto begun = std::chrono::steady_clock::now();
  auto ended = client_.stream(std::move(stream), stop);
  if (failure) return std::unexpected(*std::move(failure));
  const bool idle = std::chrono::steady_clock::now() - begun >= options_.idle;
  if (!ended && ended.error().error.code == base::Code::timeout && ended.error().status == 0 && idle) {
    // Nothing came, not even a bookmark: whether the connection is dead shows with a new one.
    count(&WatchState::stalled);
    return {};
  }
  return ended;
}

// One event of a watch.
Outcome<void> ListWatch::take(WatchEvent event) {
  if (event.type == WatchEvent::Type::error) return std::unexpected(failure_from_status(event.object));
  std::string version = metadata_text(event.object, "resourceVersion");
  if (event.type != WatchEvent::Type::bookmark) {
    ObjectName name = name_of(event.object);
    if (name.name.empty()) {
      return failed({base::Code::protocol, "an object without a name", base::Origin::upstream, base::Retry::later});
    }
    if (event.type == WatchEvent::Type::deleted) {
      if (known_.contains(name)) handler_.deleted(name);
      known_.erase(name);
    } else if (!known_as_it_is(event.object)) {
      remember(event.object);
      trim(event.object);
      handler_.changed(std::move(event.object));
    }
  }
  if (!version.empty()) version_ = std::move(version);
  listed_in_vain_ = false;
  const std::lock_guard lock(mutex_);
  ++state_.events;
  state_.objects = known_.size();
  return {};
}

// The first list is told as a whole, later ones by what is different.
void ListWatch::reconcile(Listed listed) {
  std::erase_if(listed.items, [](const nlohmann::json& object) { return name_of(object).name.empty(); });
  if (!complete_once_) {
    for (const nlohmann::json& object : listed.items) remember(object);
    handler_.replaced(std::move(listed.items));
  } else {
    std::map<ObjectName, std::string> before = known_;
    for (nlohmann::json& object : listed.items) {
      before.erase(name_of(object));
      if (known_as_it_is(object)) continue;
      remember(object);
      handler_.changed(std::move(object));
    }
    for (const auto& [name, version] : before) {
      handler_.deleted(name);
      known_.erase(name);
    }
  }
  complete_once_ = true;
  version_ = std::move(listed.resource_version);
  handler_.synced();
  const std::lock_guard lock(mutex_);
  state_.synced = true;
  state_.objects = known_.size();
}

void ListWatch::trim(nlohmann::json& object) const {
  if (options_.trim) options_.trim(object);
}

void ListWatch::remember(const nlohmann::json& object) {
  known_.insert_or_assign(name_of(object), metadata_text(object, "resourceVersion"));
}

bool ListWatch::known_as_it_is(const nlohmann::json& object) const {
  const auto known = known_.find(name_of(object));
  return known != known_.end() && !known->second.empty() && known->second == metadata_text(object, "resourceVersion");
}

std::string ListWatch::query(std::string_view more) const {
  std::string path = collection_path(options_.resource, options_.selection.name_space);
  path.append("?watch=true&allowWatchBookmarks=true&").append(more);
  if (!options_.selection.labels.empty()) path += "&labelSelector=" + percent_encoded(options_.selection.labels);
  if (!options_.selection.fields.empty()) path += "&fieldSelector=" + percent_encoded(options_.selection.fields);
  return path;
}

// A server that answers again after it was away is asked anew at the pace of a first failure: it is busy for a moment
// ("storage is (re)initializing"), and how long it was away says nothing about that.
std::chrono::milliseconds ListWatch::pause_after(const ApiFailure& failure) {
  const bool answered = failure.status != 0 && failure.status != 401;
  if (answered && !answered_) backoff_ = Backoff(options_.pace);
  answered_ = answered;
  const auto pause = backoff_.after_failure(std::chrono::steady_clock::now(), random());
  if (!failure.retry_after) return pause;
  return std::max<std::chrono::milliseconds>(
      pause, std::min<std::chrono::milliseconds>(*failure.retry_after, options_.pace.longest));
}

void ListWatch::count(std::uint64_t WatchState::* what) {
  const std::lock_guard lock(mutex_);
  ++(state_.*what);
}

// Bytes came, or the head of an answer: a watch of what does not change says nothing for a minute.
void ListWatch::touched() {
  const std::lock_guard lock(mutex_);
  state_.last_contact = client_.clock().now();
  state_.connected = true;
  state_.last_failure.clear();
}

double ListWatch::random() {
  return std::uniform_real_distribution<double>(0.0, 1.0)(generator_);
}

}  // namespace kube
