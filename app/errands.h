// Errands: what the admin endpoint is asked to do and takes its time, because a CA has to answer. One after the other,
// on a thread of its own; who asked comes back for the answer.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include <nlohmann/json.hpp>

#include "base/error.h"

namespace app {

class Errands {
 public:
  using Json = nlohmann::ordered_json;
  using Work = std::function<base::Result<Json>(std::stop_token)>;

  Errands();
  ~Errands();  // tells the one that is under way to stop, and waits for it
  Errands(const Errands&) = delete;
  Errands& operator=(const Errands&) = delete;

  // Its number; nothing: eight are waiting already. Any thread.
  [[nodiscard]] std::optional<std::uint64_t> begin(Work work);
  // {"done": false}, {"done": true, "answer": ...} or {"done": true, "error": "..."}; nothing: not known, or forgotten
  // because 64 others have ended since. Any thread.
  [[nodiscard]] std::optional<Json> ask(std::uint64_t number) const;

 private:
  void run(const std::stop_token& stop);

  mutable std::mutex mutex_;
  std::condition_variable_any arrived_;
  std::uint64_t last_ = 0;
  std::deque<std::pair<std::uint64_t, Work>> waiting_;
  std::map<std::uint64_t, Json> answers_;
  std::jthread thread_;
};

}  // namespace app
