// Authorization and its challenges: how control over an identifier is to be shown. RFC 8555 §7.1.4, §7.1.5, §8.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "acme/identifier.h"
#include "acme/problem.h"
#include "base/clock.h"
#include "base/error.h"
#include "config/issuers.h"

namespace acme {

struct Challenge {
  enum class Status : std::uint8_t { pending, processing, valid, invalid };

  std::optional<config::ChallengeType> type;  // none: a type that this version does not know
  std::string type_name;                      // as received
  std::string url;
  Status status = Status::pending;
  std::string token;  // base64url, checked (RFC 8555 §8.3: at least 128 bits); empty only for dns-persist-01
  std::optional<Problem> error;
  std::vector<std::string> issuer_domain_names;  // dns-persist-01 only
};

struct Authorization {
  enum class Status : std::uint8_t { pending, valid, invalid, deactivated, expired, revoked };

  std::string url;  // not in the object
  Identifier identifier;
  Status status = Status::pending;
  std::optional<base::SystemTime> expires;
  bool wildcard = false;  // the order asked for "*." before this identifier
  std::vector<Challenge> challenges;

  // Null if the server does not offer it.
  [[nodiscard]] const Challenge* challenge(config::ChallengeType type) const noexcept;
};

[[nodiscard]] std::string_view to_string(Challenge::Status status) noexcept;
[[nodiscard]] std::string_view to_string(Authorization::Status status) noexcept;
// `json` is controlled by the CA. At most 20 challenges.
[[nodiscard]] base::Result<Challenge> challenge_from(const nlohmann::json& json);
[[nodiscard]] base::Result<Authorization> authorization_from(const nlohmann::json& json, std::string url);

}  // namespace acme
