// ListWatch: the objects of one kind, and every change of them, for as long as it lives. What it has told stays true
// while the API is away; when it is back, it is gone on with where it was left, or listed anew and compared.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include <nlohmann/json.hpp>

#include "kube/backoff.h"
#include "kube/client.h"
#include "kube/watch_stream.h"

namespace kube {

// Called from the watch's thread, one call at a time; quick, for the stream waits meanwhile.
class WatchHandler {
 public:
  virtual ~WatchHandler() = default;
  // The first list. Every object has apiVersion, kind and metadata.name.
  virtual void replaced(std::vector<nlohmann::json> objects) = 0;
  // New, or another resourceVersion than before.
  virtual void changed(nlohmann::json object) = 0;
  // Also one that has vanished while nobody watched.
  virtual void deleted(const ObjectName& name) = 0;
  // What was told until now is the whole of one state of the server. After each list.
  virtual void synced() = 0;
};

// Numbers only grow.
struct WatchState {
  bool synced = false;     // has been complete once
  bool connected = false;  // the last that was tried succeeded
  std::size_t objects = 0;
  base::SystemTime last_contact{};  // the last that came from the server
  std::string last_failure;         // empty: none since it was last connected
  std::uint64_t lists = 0;
  std::uint64_t watches = 0;
  std::uint64_t events = 0;
  std::uint64_t failures = 0;
  std::uint64_t expired = 0;  // the server had forgotten where we were (410)
  std::uint64_t stalled = 0;  // nothing came for so long that the connection was given up
};

class ListWatch {
 public:
  // optional: where the server does not know the resource, there are none of it; it is asked again now and then.
  enum class Presence : std::uint8_t { required, optional };
  // How the first state is got: as events of a watch where the server can do that, else as a list.
  enum class Begin : std::uint8_t { as_events, as_list };
  struct Options {
    Resource resource;
    Selection selection = {};
    Presence presence = Presence::required;
    std::function<void(nlohmann::json&)> trim = {};  // takes out of each object, as it comes, what nobody reads
    Begin begin = Begin::as_events;
    Pace pace = {};
    std::chrono::seconds shortest{300};       // how long the server is asked to keep one watch open: this to twice this
    std::chrono::milliseconds idle{180'000};  // bookmarks come every minute or so; nothing for this long is a stall
    std::chrono::milliseconds spread{2'000};  // what comes to all watches at once is answered within this time
    std::chrono::milliseconds look_again{60'000};  // after a resource that is optional
  };

  // What the initial events may hold in memory, about, after trimming; where there is more, nothing is taken.
  static constexpr std::size_t largest_state = std::size_t{512} << 20U;

  // `client` and `handler` outlive it.
  ListWatch(Client& client, Options options, WatchHandler& handler);
  ~ListWatch();  // ends what is under way at once, and joins
  ListWatch(const ListWatch&) = delete;
  ListWatch& operator=(const ListWatch&) = delete;

  void start();
  // So that several can end at the same time; the destructor joins.
  void request_stop();
  // Any thread.
  [[nodiscard]] WatchState state() const;

 private:
  void run(const std::stop_token& stop);
  [[nodiscard]] Outcome<void> step(const std::stop_token& stop);
  [[nodiscard]] Outcome<void> fill(const std::stop_token& stop);
  [[nodiscard]] Outcome<Listed> initial_events(const std::stop_token& stop);
  [[nodiscard]] Outcome<void> follow(const std::stop_token& stop);
  [[nodiscard]] Outcome<void> take(WatchEvent event);
  void reconcile(Listed listed);
  void trim(nlohmann::json& object) const;
  void remember(const nlohmann::json& object);
  [[nodiscard]] bool known_as_it_is(const nlohmann::json& object) const;
  [[nodiscard]] std::string query(std::string_view more) const;
  [[nodiscard]] std::chrono::milliseconds pause_after(const ApiFailure& failure);
  // `successes`: of the client, when it failed.
  void wait_after(const ApiFailure& failure, std::uint64_t successes, const std::stop_token& stop);
  void touched();
  void count(std::uint64_t WatchState::* what);
  [[nodiscard]] double random();

  Client& client_;
  const Options options_;
  WatchHandler& handler_;
  // Of the thread alone.
  std::map<ObjectName, std::string> known_;  // resourceVersion
  std::string version_;                      // to go on from; empty: list
  bool complete_once_ = false;
  bool events_at_first_;
  bool absent_ = false;
  bool listed_in_vain_ = false;  // the server forgot where we were, and nothing has come since we listed
  Backoff backoff_;
  bool answered_ = true;  // the last failure was an answer
  std::mt19937_64 generator_{std::random_device{}()};
  mutable std::mutex mutex_;  // guards state_
  WatchState state_;
  std::jthread thread_;
};

}  // namespace kube
