#include "acme/authorization.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "certstore/host_name.h"

namespace acme {
namespace {

using config::ChallengeType;

constexpr std::size_t most_challenges = 20;
constexpr std::size_t most_issuer_names = 20;
constexpr std::size_t shortest_token = 22;  // 128 bits (RFC 8555 §8.3)
constexpr std::size_t longest_token = 200;  // it becomes a part of a file's name
constexpr std::size_t longest_type_name = 64;
constexpr std::array<ChallengeType, 5> types{ChallengeType::http01, ChallengeType::tls_alpn01, ChallengeType::dns01,
                                             ChallengeType::dns_account01, ChallengeType::dns_persist01};
constexpr std::array<Challenge::Status, 4> challenge_statuses{Challenge::Status::pending, Challenge::Status::processing,
                                                              Challenge::Status::valid, Challenge::Status::invalid};
constexpr std::array<Authorization::Status, 6> statuses{
    Authorization::Status::pending,     Authorization::Status::valid,   Authorization::Status::invalid,
    Authorization::Status::deactivated, Authorization::Status::expired, Authorization::Status::revoked};

// The one of `all` whose name is `text`.
template <class T, std::size_t size>
std::optional<T> named(const std::array<T, size>& all, const std::string* text) {
  if (text == nullptr) return std::nullopt;
  for (const T one : all) {
    if (to_string(one) == *text) return one;
  }
  return std::nullopt;
}

// RFC 8555 §8.1: a token that held anything else could lead out of its folder, or end a line in a reply.
bool is_token(std::string_view text) {
  return text.size() >= shortest_token && text.size() <= longest_token && std::ranges::all_of(text, [](char c) {
           return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
         });
}

// draft-ietf-acme-dns-persist: these names are written into a TXT record.
base::Result<void> read_issuer_names(const nlohmann::json& json, Challenge& challenge) {
  const auto* const list = array_member(json, "issuer-domain-names");
  if (list == nullptr || list->empty() || list->size() > most_issuer_names) {
    return lacks("challenge", "issuer-domain-names");
  }
  for (const auto& one : *list) {
    auto name = one.is_string() ? certstore::canonical_host_name(one.get_ref<const std::string&>()) : std::nullopt;
    if (!name || name->starts_with("*.")) return lacks("challenge", "issuer-domain-names");
    challenge.issuer_domain_names.push_back(*std::move(name));
  }
  return {};
}

base::Result<void> read_token(const nlohmann::json& json, Challenge& challenge) {
  if (challenge.type == ChallengeType::dns_persist01) return read_issuer_names(json, challenge);
  const std::string* const token = text_member(json, "token");
  if (token == nullptr || !is_token(*token)) return lacks("challenge", "token");
  challenge.token = *token;
  return {};
}

}  // namespace

const Challenge* Authorization::challenge(ChallengeType type) const noexcept {
  const auto found = std::ranges::find(challenges, std::optional(type), &Challenge::type);
  return found == challenges.end() ? nullptr : &*found;
}

std::string_view to_string(Challenge::Status status) noexcept {
  switch (status) {
    case Challenge::Status::pending:
      return "pending";
    case Challenge::Status::processing:
      return "processing";
    case Challenge::Status::valid:
      return "valid";
    case Challenge::Status::invalid:
      return "invalid";
  }
  return "invalid";
}

std::string_view to_string(Authorization::Status status) noexcept {
  switch (status) {
    case Authorization::Status::pending:
      return "pending";
    case Authorization::Status::valid:
      return "valid";
    case Authorization::Status::invalid:
      return "invalid";
    case Authorization::Status::deactivated:
      return "deactivated";
    case Authorization::Status::expired:
      return "expired";
    case Authorization::Status::revoked:
      return "revoked";
  }
  return "invalid";
}

base::Result<Challenge> challenge_from(const nlohmann::json& json) {
  Challenge challenge;
  const std::string* const type = text_member(json, "type");
  if (type == nullptr) return lacks("challenge", "type");
  challenge.type = named(types, type);
  challenge.type_name = shown(*type, longest_type_name);
  challenge.url = url_member(json, "url");
  const auto status = named(challenge_statuses, text_member(json, "status"));
  challenge.status = status.value_or(Challenge::Status::pending);
  if (const auto* const error = member(json, "error"); error != nullptr && error->is_object()) {
    challenge.error = problem_from(*error);
  }
  // What a type that is not known here consists of is not for us to say.
  if (!challenge.type) return challenge;
  if (challenge.url.empty()) return lacks("challenge", "url");
  if (!status) return lacks("challenge", "status");
  if (auto read = read_token(json, challenge); !read) return std::unexpected(std::move(read.error()));
  return challenge;
}

base::Result<Authorization> authorization_from(const nlohmann::json& json, std::string url) {
  Authorization authorization;
  authorization.url = std::move(url);
  const auto* const identifier = member(json, "identifier");
  if (identifier == nullptr) return lacks("authorization", "identifier");
  auto read = identifier_from(*identifier);
  if (!read) return std::unexpected(std::move(read.error()).in("authorization"));
  authorization.wildcard = flag_member(json, "wildcard") || read->wildcard();
  authorization.identifier = read->base();
  const auto status = named(statuses, text_member(json, "status"));
  if (!status) return lacks("authorization", "status");
  authorization.status = *status;
  authorization.expires = time_member(json, "expires");
  const auto* const challenges = array_member(json, "challenges");
  if (challenges == nullptr || challenges->size() > most_challenges) return lacks("authorization", "challenges");
  for (const auto& one : *challenges) {
    auto challenge = challenge_from(one);
    if (!challenge) return std::unexpected(std::move(challenge.error()).in("authorization"));
    authorization.challenges.push_back(*std::move(challenge));
  }
  return authorization;
}

}  // namespace acme
