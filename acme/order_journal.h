// OrderJournal: what must survive a crash of an order that is under way: its URL and the key of its certificate.
// Written before the CA is told, so that a certificate that is paid for is never lost.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "acme/identifier.h"
#include "base/clock.h"

namespace acme {

struct OrderJournal {
  std::string directory_url;
  std::string account_url;
  std::vector<Identifier> identifiers;
  std::string profile;
  std::string replaces;
  std::string key_pem;    // of the certificate to come; a secret
  std::string order_url;  // empty: the order was about to be made; the account's list of orders may hold it
  base::SystemTime begun;

  [[nodiscard]] nlohmann::json to_json() const;
  // Nothing: not readable, and then there is no journal.
  [[nodiscard]] static std::optional<OrderJournal> from(const nlohmann::json& json);
};

}  // namespace acme
