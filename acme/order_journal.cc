#include "acme/order_journal.h"

#include <utility>

#include <nlohmann/json.hpp>

#include "acme/stored_time.h"

namespace acme {
namespace {

constexpr std::size_t most_identifiers = 1000;

// False: it is not there, or no text.
bool take(const nlohmann::json& json, const char* key, std::string& value) {
  const auto member = json.find(key);
  if (member == json.end() || !member->is_string()) return false;
  value = member->get<std::string>();
  return true;
}

std::optional<std::vector<Identifier>> identifiers_in(const nlohmann::json& list) {
  if (!list.is_array() || list.empty() || list.size() > most_identifiers) return std::nullopt;
  std::vector<Identifier> identifiers;
  for (const nlohmann::json& entry : list) {
    auto identifier = identifier_from(entry);
    if (!identifier) return std::nullopt;
    identifiers.push_back(*std::move(identifier));
  }
  return identifiers;
}

}  // namespace

nlohmann::json OrderJournal::to_json() const {
  nlohmann::json names = nlohmann::json::array();
  for (const Identifier& identifier : identifiers) names.push_back(acme::to_json(identifier));
  return {{"directory", directory_url}, {"account", account_url}, {"identifiers", std::move(names)},
          {"profile", profile},         {"replaces", replaces},   {"key", key_pem},
          {"order", order_url},         {"begun", stored(begun)}};
}

std::optional<OrderJournal> OrderJournal::from(const nlohmann::json& json) {
  const auto begun = stored_time(json, "begun");
  if (!begun || !json.contains("identifiers")) return std::nullopt;
  auto identifiers = identifiers_in(json["identifiers"]);
  if (!identifiers) return std::nullopt;
  OrderJournal journal;
  journal.identifiers = *std::move(identifiers);
  journal.begun = *begun;
  const bool complete = take(json, "directory", journal.directory_url) && take(json, "account", journal.account_url) &&
                        take(json, "profile", journal.profile) && take(json, "replaces", journal.replaces) &&
                        take(json, "key", journal.key_pem) && take(json, "order", journal.order_url) &&
                        !journal.key_pem.empty();
  return complete ? std::optional(std::move(journal)) : std::nullopt;
}

}  // namespace acme
