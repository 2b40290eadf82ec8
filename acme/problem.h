// Problem: what an ACME server says of an error. RFC 7807, RFC 8555 §6.7, §6.7.1 (subproblems).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "acme/identifier.h"

namespace acme {

// The types of RFC 8555 §6.7 and those that came after: alreadyReplaced (RFC 9773 §7.4), invalidProfile.
enum class ProblemType : std::uint8_t {
  account_does_not_exist,
  already_replaced,
  already_revoked,
  bad_csr,
  bad_nonce,
  bad_public_key,
  bad_revocation_reason,
  bad_signature_algorithm,
  caa,
  compound,
  connection,
  dns,
  external_account_required,
  incorrect_response,
  invalid_contact,
  invalid_profile,
  malformed,
  order_not_ready,
  rate_limited,
  rejected_identifier,
  server_internal,
  tls,
  unauthorized,
  unsupported_contact,
  unsupported_identifier,
  user_action_required,
  other,  // a type that is not known, or none
};

struct Problem {
  ProblemType type = ProblemType::other;
  std::string type_uri;  // as received, for people
  std::string detail;    // the CA's own words: printable, at most 1,000 characters
  unsigned status = 0;
  std::optional<Identifier> identifier;  // of a subproblem
  std::vector<Problem> subproblems;      // one level, at most 100
  std::string instance;                  // a URL for people; userActionRequired puts the terms there

  // "rejectedIdentifier: example.com: policy forbids issuing": this and its subproblems, in one line.
  [[nodiscard]] std::string to_string() const;
  // Whether the same request can succeed later without anybody changing anything: not for CAA, a rejected identifier,
  // unauthorized, a bad CSR and their like, also where only a subproblem says so.
  [[nodiscard]] bool mends_itself() const;
};

// The name after "urn:ietf:params:acme:error:", for metrics: from a fixed list, "other" for the rest.
[[nodiscard]] std::string_view to_string(ProblemType type) noexcept;
// Never fails: what is missing or of the wrong kind is left empty. `json` is controlled by the CA.
[[nodiscard]] Problem problem_from(const nlohmann::json& json);
[[nodiscard]] nlohmann::json to_json(const Problem& problem);

}  // namespace acme
