// FailureMemory: what has failed for a certificate and when it may be tried again. A value, kept in storage, so that a
// restart forgets nothing.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include <nlohmann/json_fwd.hpp>

#include "acme/failure.h"
#include "base/clock.h"
#include "base/error.h"

namespace acme {

class FailureMemory {
 public:
  // 1, 10, 100 minutes, then daily, each longer by up to a tenth (`random` in [0, 1)); never before what the server or
  // a limit said (Failure::not_before); daily at once if it cannot mend itself.
  void record(const Failure& failure, base::SystemTime now, double random);
  void clear();

  [[nodiscard]] unsigned count() const noexcept { return count_; }  // since the last success
  [[nodiscard]] bool empty() const noexcept { return count_ == 0; }
  [[nodiscard]] base::SystemTime next_try() const noexcept { return next_try_; }
  [[nodiscard]] base::SystemTime last() const noexcept { return last_; }
  [[nodiscard]] const std::string& text() const noexcept { return text_; }             // the last failure, for people
  [[nodiscard]] const std::string& problem_type() const noexcept { return problem_; }  // "rateLimited"; empty: ours
  [[nodiscard]] bool mends_itself() const noexcept { return mends_itself_; }

  [[nodiscard]] nlohmann::json to_json() const;
  // What cannot be read is no memory.
  [[nodiscard]] static FailureMemory from(const nlohmann::json& json);

 private:
  unsigned count_ = 0;
  base::SystemTime last_{};
  base::SystemTime next_try_{};
  std::string text_;
  std::string problem_;
  bool mends_itself_ = true;
};

}  // namespace acme
