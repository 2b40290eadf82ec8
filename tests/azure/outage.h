// Outage: what services of Azure answer while they are down, one fault after another.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>

#include "tests/support/scripted_server.h"
#include "tests/support/stepped_time.h"

namespace test {

class Outage {
 public:
  using Reply = ScriptedServer::Reply;

  explicit Outage(SteppedTime& time) : time_(time) {}

  // In the place of the answer to a request. Any thread.
  Reply next() {
    const std::size_t count = requests++;
    switch (count / 7 % 5) {  // seven times the same: more than a call tries
      case 0:
        return {.status = 503, .body = "down"};
      case 1:
        return {.status = 503, .headers = {{"Retry-After", "7"}}, .body = "down"};
      case 2:
        return {.status = 429, .headers = {{"Retry-After", "20"}}, .body = R"({"error":{"code":"TooManyRequests"}})"};
      case 3:
        return {.status = 500, .body = "<html>"};
      default:
        // No answer within the deadline of the call.
        time_.pass(std::chrono::seconds(60));
        return {.fate = Reply::Fate::lost};
    }
  }

  std::atomic<std::size_t> requests = 0;

 private:
  SteppedTime& time_;
};

}  // namespace test
