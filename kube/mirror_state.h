// MirrorState: how one mirror of a Secret does, for people and metrics. A plain value.
#pragma once

#include <cstdint>
#include <string>

#include "base/clock.h"
#include "kube/resource.h"

namespace kube {

struct MirrorState {
  ObjectName source;
  ObjectName target;
  // refused: somebody has to change something before it can be; behind: it will be tried again.
  enum class What : std::uint8_t { in_step, behind, refused } what = What::behind;
  std::string fingerprint;   // of the source's certificate
  base::SystemTime since{};  // when it came to be so
  std::string problem;       // empty where it is in step, or a moment behind
};

}  // namespace kube
