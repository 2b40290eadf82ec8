// Failure: why a step towards a certificate did not work, with what decides when to try again.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "acme/problem.h"
#include "base/clock.h"
#include "base/error.h"

namespace acme {

struct Failure {
  base::Error error;                           // for people; grows context as it rises
  std::optional<Problem> problem;              // what the CA said, if it was the CA
  std::optional<base::SystemTime> not_before;  // Retry-After, or a limit of our own: not again before this

  // Whether waiting can mend it; without that it is tried daily only, for somebody may have mended the cause.
  [[nodiscard]] bool mends_itself() const { return !problem || problem->mends_itself(); }
  [[nodiscard]] Failure in(std::string_view where) &&;
};

template <class T>
using Outcome = std::expected<T, Failure>;

[[nodiscard]] std::unexpected<Failure> failed(base::Error error);
[[nodiscard]] std::unexpected<Failure> failed(base::Code code, std::string what);

}  // namespace acme
