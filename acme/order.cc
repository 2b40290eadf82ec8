#include "acme/order.h"

#include <array>
#include <cstddef>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "acme/server_url.h"

namespace acme {
namespace {

using Status = Order::Status;

constexpr std::size_t most_identifiers = 1000;
constexpr std::array<Status, 5> statuses{Status::pending, Status::ready, Status::processing, Status::valid,
                                         Status::invalid};

std::optional<Status> status_of(const std::string* text) {
  if (text == nullptr) return std::nullopt;
  for (const Status status : statuses) {
    if (to_string(status) == *text) return status;
  }
  return std::nullopt;
}

base::Result<void> read_identifiers(const nlohmann::json& json, Order& order) {
  const auto* const list = array_member(json, "identifiers");
  if (list == nullptr || list->empty() || list->size() > most_identifiers) return lacks("order", "identifiers");
  for (const auto& one : *list) {
    auto identifier = identifier_from(one);
    if (!identifier) return std::unexpected(std::move(identifier.error()).in("order"));
    order.identifiers.push_back(*std::move(identifier));
  }
  return {};
}

base::Result<void> read_authorizations(const nlohmann::json& json, Order& order) {
  const auto* const list = array_member(json, "authorizations");
  if (list == nullptr || list->size() > most_identifiers) return lacks("order", "authorizations");
  for (const auto& one : *list) {
    if (!one.is_string() || !is_server_url(one.get_ref<const std::string&>())) return lacks("order", "authorizations");
    order.authorizations.push_back(one.get<std::string>());
  }
  return {};
}

}  // namespace

std::string_view to_string(Order::Status status) noexcept {
  switch (status) {
    case Status::pending:
      return "pending";
    case Status::ready:
      return "ready";
    case Status::processing:
      return "processing";
    case Status::valid:
      return "valid";
    case Status::invalid:
      return "invalid";
  }
  return "invalid";
}

base::Result<Order> order_from(const nlohmann::json& json, std::string url) {
  Order order;
  order.url = std::move(url);
  const auto status = status_of(text_member(json, "status"));
  if (!status) return lacks("order", "status");
  order.status = *status;
  if (auto read = read_identifiers(json, order); !read) return std::unexpected(std::move(read.error()));
  if (auto read = read_authorizations(json, order); !read) return std::unexpected(std::move(read.error()));
  order.finalize = url_member(json, "finalize");
  if (order.finalize.empty()) return lacks("order", "finalize");
  order.expires = time_member(json, "expires");
  order.certificate = url_member(json, "certificate");
  // RFC 8555 §7.1.3: optional in the object, but without it a valid order leads nowhere.
  if (order.status == Status::valid && order.certificate.empty()) return lacks("order", "certificate");
  if (const auto* const error = member(json, "error"); error != nullptr && error->is_object()) {
    order.error = problem_from(*error);
  }
  order.profile = shown_member(json, "profile", 128);
  order.replaces = shown_member(json, "replaces", 200);
  return order;
}

nlohmann::json to_json(const NewOrder& order) {
  nlohmann::json json;
  json["identifiers"] = nlohmann::json::array();
  for (const Identifier& identifier : order.identifiers) json["identifiers"].push_back(to_json(identifier));
  if (!order.profile.empty()) json["profile"] = order.profile;
  if (!order.replaces.empty()) json["replaces"] = order.replaces;
  return json;
}

}  // namespace acme
