// EventRecorder: tells people, on the object, what happened to it: core/v1 Events as `kubectl describe` shows them.
// What happens again is counted up on the Event that is there; what happens too often is combined, then dropped and
// counted.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <thread>

#include "kube/client.h"
#include "kube/notice.h"

namespace kube {

// Any thread may tell; one of its own writes. A notice is told when it appears, not again as long as it holds. Losing
// an Event is no failure of anything.
class EventRecorder {
 public:
  struct Options {
    std::string component = "sekisho";
    std::string instance;            // the Pod's name
    std::size_t queue = 1'000;       // the oldest goes
    std::size_t remembered = 4'096;  // Events that may be counted up
    unsigned burst = 25;             // for each object; one more every five minutes after that
    unsigned distinct = 10;          // texts of one reason within ten minutes; what comes then is combined
  };
  struct Counters {
    std::uint64_t written = 0, dropped = 0, failed = 0;
  };

  EventRecorder(Client& client, Options options);
  ~EventRecorder();  // writes what is queued for at most two seconds
  EventRecorder(const EventRecorder&) = delete;
  EventRecorder& operator=(const EventRecorder&) = delete;

  // Never waits.
  void tell(Notice event);
  [[nodiscard]] Counters counters() const;

 private:
  struct Written {
    std::string name;
    std::uint64_t count = 0;
    base::SteadyTime last{};
  };
  struct Subject {  // one object
    double tokens = 0;
    base::SteadyTime counted{};
  };
  struct Reason {  // of one object
    unsigned texts = 0;
    base::SteadyTime since{};
  };
  void run(const std::stop_token& stop);
  void write(Notice event, const std::stop_token& stop);
  [[nodiscard]] bool allowed(const std::string& subject);
  // The text that it goes under: its own, or that of all that are combined.
  [[nodiscard]] std::string text_for(const std::string& reason_key, const std::string& message);
  [[nodiscard]] Outcome<void> count_up(Written& before, const Notice& event, const std::stop_token& stop);
  [[nodiscard]] nlohmann::json object_for(const Notice& event, const std::string& name) const;
  void forget_old();

  Client& client_;
  const Options options_;
  // Of the thread alone.
  std::map<std::string, Written> written_;
  std::map<std::string, Subject> subjects_;
  std::map<std::string, Reason> reasons_;
  std::uint64_t serial_ = 0;
  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable_any more_;
  std::deque<Notice> queue_;
  bool busy_ = false;
  Counters counters_;
  std::jthread thread_;
};

}  // namespace kube
