#include "acme/problem.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"

namespace acme {
namespace {

constexpr std::string_view prefix = "urn:ietf:params:acme:error:";
constexpr std::size_t longest_type = 200;
constexpr std::size_t most_subproblems = 100;

struct KnownType {
  ProblemType type;
  std::string_view name;
  bool mends_itself;  // by waiting alone
};

// What the other side or the network may mend is true. `compound` is as its subproblems are; a failed challenge
// (connection, dns, tls, incorrectResponse) may have met a restart, a cache or a record on its way.
constexpr std::array<KnownType, 27> known_types{{
    {ProblemType::account_does_not_exist, "accountDoesNotExist", false},
    {ProblemType::already_replaced, "alreadyReplaced", false},
    {ProblemType::already_revoked, "alreadyRevoked", false},
    {ProblemType::bad_csr, "badCSR", false},
    {ProblemType::bad_nonce, "badNonce", true},
    {ProblemType::bad_public_key, "badPublicKey", false},
    {ProblemType::bad_revocation_reason, "badRevocationReason", false},
    {ProblemType::bad_signature_algorithm, "badSignatureAlgorithm", false},
    {ProblemType::caa, "caa", false},
    {ProblemType::compound, "compound", true},
    {ProblemType::connection, "connection", true},
    {ProblemType::dns, "dns", true},
    {ProblemType::external_account_required, "externalAccountRequired", false},
    {ProblemType::incorrect_response, "incorrectResponse", true},
    {ProblemType::invalid_contact, "invalidContact", false},
    {ProblemType::invalid_profile, "invalidProfile", false},
    {ProblemType::malformed, "malformed", false},
    {ProblemType::order_not_ready, "orderNotReady", true},
    {ProblemType::rate_limited, "rateLimited", true},
    {ProblemType::rejected_identifier, "rejectedIdentifier", false},
    {ProblemType::server_internal, "serverInternal", true},
    {ProblemType::tls, "tls", true},
    {ProblemType::unauthorized, "unauthorized", false},
    {ProblemType::unsupported_contact, "unsupportedContact", false},
    {ProblemType::unsupported_identifier, "unsupportedIdentifier", false},
    {ProblemType::user_action_required, "userActionRequired", false},
    {ProblemType::other, "other", true},
}};

const KnownType& known(ProblemType type) noexcept {
  const auto* const found = std::ranges::find(known_types, type, &KnownType::type);
  return found == known_types.end() ? known_types.back() : *found;
}

ProblemType type_of(std::string_view uri) {
  if (!uri.starts_with(prefix)) return ProblemType::other;
  const auto* const found = std::ranges::find(known_types, uri.substr(prefix.size()), &KnownType::name);
  return found == known_types.end() ? ProblemType::other : found->type;
}

// Without subproblems.
Problem alone(const nlohmann::json& json) {
  Problem problem;
  problem.type_uri = shown_member(json, "type", longest_type);
  problem.type = type_of(problem.type_uri);
  problem.detail = shown_member(json, "detail");
  problem.instance = shown_member(json, "instance");
  if (const auto* const status = member(json, "status"); status != nullptr && status->is_number_integer()) {
    const auto number = status->get<std::int64_t>();
    if (number >= 100 && number <= 599) problem.status = static_cast<unsigned>(number);
  }
  if (const auto* const named = member(json, "identifier")) {
    if (auto identifier = identifier_from(*named)) problem.identifier = *std::move(identifier);
  }
  return problem;
}

std::string line_of(const Problem& problem) {
  std::string line(to_string(problem.type));
  if (problem.type == ProblemType::other && !problem.type_uri.empty()) line = problem.type_uri;
  if (problem.identifier) line += ": " + problem.identifier->value;
  if (!problem.detail.empty()) line += ": " + problem.detail;
  return line;
}

}  // namespace

std::string Problem::to_string() const {
  std::string line = line_of(*this);
  for (const Problem& subproblem : subproblems) line += "; " + line_of(subproblem);
  return line;
}

bool Problem::mends_itself() const {
  return known(type).mends_itself && std::ranges::all_of(subproblems, &Problem::mends_itself);
}

std::string_view to_string(ProblemType type) noexcept {
  return known(type).name;
}

Problem problem_from(const nlohmann::json& json) {
  Problem problem = alone(json);
  if (const auto* const list = array_member(json, "subproblems")) {
    for (const auto& one : *list) {
      if (problem.subproblems.size() == most_subproblems) break;
      if (one.is_object()) problem.subproblems.push_back(alone(one));
    }
  }
  return problem;
}

nlohmann::json to_json(const Problem& problem) {
  nlohmann::json json{{"type", problem.type_uri}, {"detail", problem.detail}};
  if (problem.status != 0) json["status"] = problem.status;
  if (problem.identifier) json["identifier"] = to_json(*problem.identifier);
  if (!problem.instance.empty()) json["instance"] = problem.instance;
  for (const Problem& subproblem : problem.subproblems) json["subproblems"].push_back(to_json(subproblem));
  return json;
}

}  // namespace acme
