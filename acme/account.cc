#include "acme/account.h"

#include <cstddef>
#include <optional>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "acme/json_fields.h"

namespace acme {
namespace {

constexpr std::size_t most_contacts = 100;
constexpr std::size_t longest_contact = 320;

std::optional<Account::Status> status_of(std::string_view text) {
  if (text == "valid") return Account::Status::valid;
  if (text == "deactivated") return Account::Status::deactivated;
  if (text == "revoked") return Account::Status::revoked;
  return std::nullopt;
}

}  // namespace

std::string_view to_string(Account::Status status) noexcept {
  switch (status) {
    case Account::Status::valid:
      return "valid";
    case Account::Status::deactivated:
      return "deactivated";
    case Account::Status::revoked:
      return "revoked";
  }
  return "revoked";
}

base::Result<Account> account_from(const nlohmann::json& json, std::string url) {
  Account account;
  account.url = std::move(url);
  const std::string* const status = text_member(json, "status");
  const auto known = status == nullptr ? std::nullopt : status_of(*status);
  if (!known) return lacks("account", "status");
  account.status = *known;
  if (const auto* const contacts = array_member(json, "contact")) {
    for (const auto& contact : *contacts) {
      if (account.contact.size() == most_contacts) break;
      if (contact.is_string()) account.contact.push_back(shown(contact.get_ref<const std::string&>(), longest_contact));
    }
  }
  account.orders = url_member(json, "orders");
  return account;
}

}  // namespace acme
