// Account: who asks. RFC 8555 §7.1.2, §7.3.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/error.h"

namespace acme {

struct Account {
  enum class Status : std::uint8_t { valid, deactivated, revoked };

  std::string url;  // from Location, the "kid" of everything signed later; not in the object
  Status status = Status::valid;
  std::vector<std::string> contact;  // "mailto:..."
  std::string orders;                // where its orders are listed; empty: not told
};

[[nodiscard]] std::string_view to_string(Account::Status status) noexcept;

// `json` is controlled by the CA.
[[nodiscard]] base::Result<Account> account_from(const nlohmann::json& json, std::string url);

}  // namespace acme
