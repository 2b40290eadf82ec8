// Which challenges need somebody who writes records.
#pragma once

#include "config/issuers.h"

namespace config {

// A dns-persist-01 record is placed once and stays: that can be done by hand.
[[nodiscard]] constexpr bool needs_dns_provider(ChallengeType type) noexcept {
  return proved_by_dns(type) && type != ChallengeType::dns_persist01;
}

}  // namespace config
