// DrainPatience: what has to be done also when the process ends gets a little time then, and no more.
#pragma once

#include <chrono>
#include <stop_token>
#include <thread>

namespace acme {

// Its token asks to stop `patience` after `drain` did. Never before, and not at all once this object is gone.
class DrainPatience {
 public:
  DrainPatience(std::chrono::milliseconds patience, std::stop_token drain);

  [[nodiscard]] std::stop_token token() const { return ended_.get_token(); }

 private:
  std::stop_source ended_;
  std::jthread waiting_;  // last: it uses the rest
};

}  // namespace acme
