// Directory: where the operations of an ACME server are. RFC 8555 §7.1.1, RFC 9773 §3 (renewalInfo), profiles draft.
#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "base/error.h"

namespace acme {

struct Directory {
  std::string new_nonce, new_account, new_order, revoke_cert, key_change;  // absolute URLs; the first three are there
  std::string renewal_info;                                                // empty: the server has no ARI
  std::string terms_of_service, website;
  std::vector<std::string> caa_identities;
  bool external_account_required = false;
  std::map<std::string, std::string> profiles;  // name -> description; at most 100
  // How far the server's clock is ahead of ours, from the Date of its answer; not in the object.
  std::optional<std::chrono::seconds> clock_ahead;
};

// `json` is controlled by the CA.
[[nodiscard]] base::Result<Directory> directory_from(const nlohmann::json& json);

}  // namespace acme
