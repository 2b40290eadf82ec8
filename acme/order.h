// Order: a request for one certificate, and how far it is. RFC 8555 §7.1.3.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "acme/identifier.h"
#include "acme/problem.h"
#include "base/clock.h"
#include "base/error.h"

namespace acme {

struct Order {
  enum class Status : std::uint8_t { pending, ready, processing, valid, invalid };

  std::string url;  // from Location; not in the object
  Status status = Status::pending;
  std::optional<base::SystemTime> expires;
  std::vector<Identifier> identifiers;  // in no order
  std::vector<std::string> authorizations;
  std::string finalize;
  std::string certificate;  // empty until valid
  std::optional<Problem> error;
  std::string profile;
  std::string replaces;
};

// What is asked for. RFC 8555 §7.4, RFC 9773 §5 (replaces), profiles draft.
struct NewOrder {
  std::vector<Identifier> identifiers;
  std::string profile;   // empty: the server's choice
  std::string replaces;  // the ARI identifier of the certificate that this one is to replace; empty: none
};

[[nodiscard]] std::string_view to_string(Order::Status status) noexcept;
// `json` is controlled by the CA. At most 1,000 identifiers and authorizations.
[[nodiscard]] base::Result<Order> order_from(const nlohmann::json& json, std::string url);
[[nodiscard]] nlohmann::json to_json(const NewOrder& order);

}  // namespace acme
