#include "acme/pauses.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "base/wait.h"

namespace acme {
namespace {

using std::chrono::milliseconds;

constexpr std::chrono::seconds patience{300};
constexpr milliseconds shortest{250};
constexpr milliseconds longest{10'000};

}  // namespace

Pauses::Pauses(Wait wait, std::stop_token stop) : wait_(std::move(wait)), stop_(std::move(stop)) {
  if (!wait_) wait_ = base::wait_for;
}

Outcome<void> Pauses::wait(std::optional<std::chrono::seconds> retry_after, std::string_view meanwhile) {
  if (waited_ >= patience)
    return failed(base::Code::timeout, fmt::format("{} after {} s", meanwhile, patience.count()));
  const milliseconds asked_for = retry_after ? milliseconds(*retry_after) : pause_;
  const milliseconds pause = std::clamp(asked_for, shortest, longest);
  pause_ = std::min(pause_ * 2, longest);
  waited_ += pause;
  if (!wait_(pause, stop_)) return failed(base::Code::cancelled, "stopped; the order is gone on with later");
  return {};
}

}  // namespace acme
