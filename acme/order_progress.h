// OrderProgress: how far an order is, as it happens. For people (`sekisho certs --watch`, `why`); nothing is decided by
// it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/identifier.h"
#include "config/issuers.h"

namespace acme {

struct AuthorizationProgress {
  Identifier identifier;
  bool wildcard = false;
  std::string status;  // RFC 8555 §7.1.4
  config::ChallengeType challenge = config::ChallengeType::http01;
  std::string challenge_status;  // RFC 8555 §7.1.5; empty: not looked at yet
  std::string problem;           // the CA's own words
};

struct OrderProgress {
  enum class Step : std::uint8_t { lock, preflight, account, order, challenges, finalize, download, done };

  Step step = Step::lock;
  std::string issuer;  // which of the issuers is asked
  std::string url;
  std::string status;  // RFC 8555 §7.1.6
  std::vector<AuthorizationProgress> authorizations;
};

[[nodiscard]] std::string_view to_string(
    OrderProgress::Step step) noexcept;  // "waits for the lock", "checks ahead", ...

// Called at every step with the whole; must only copy.
using ShowProgress = std::function<void(const OrderProgress&)>;

}  // namespace acme
