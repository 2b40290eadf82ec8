#include "kube/conditions.h"

#include <algorithm>

#include "acme/json_fields.h"
#include "base/timestamps.h"

namespace kube {
namespace {

std::string text_of(const nlohmann::json& object, std::string_view name) {
  const std::string* text = acme::text_member(object, name);
  return text == nullptr ? std::string() : *text;
}

nlohmann::json& list_of(nlohmann::json& status) {
  if (!status.is_object()) status = nlohmann::json::object();
  nlohmann::json& conditions = status["conditions"];
  if (!conditions.is_array()) conditions = nlohmann::json::array();
  return conditions;
}

}  // namespace

void set_condition(nlohmann::json& status, const Condition& condition, base::SystemTime now) {
  nlohmann::json& all = list_of(status);
  nlohmann::json next{{"type", condition.type},
                      {"status", condition.status},
                      {"reason", condition.reason},
                      {"message", condition.message},
                      {"observedGeneration", condition.observed_generation},
                      {"lastTransitionTime", base::to_rfc3339(now)}};
  const auto found = std::ranges::find(all, condition.type, [](const auto& each) { return text_of(each, "type"); });
  if (found == all.end()) {
    all.push_back(std::move(next));
    return;
  }
  const std::string since = text_of(*found, "lastTransitionTime");
  if (text_of(*found, "status") == condition.status && !since.empty()) next["lastTransitionTime"] = since;
  *found = std::move(next);
}

void remove_condition(nlohmann::json& status, std::string_view type) {
  nlohmann::json& all = list_of(status);
  nlohmann::json kept = nlohmann::json::array();
  for (nlohmann::json& each : all) {
    if (text_of(each, "type") != type) kept.push_back(std::move(each));
  }
  all = std::move(kept);
}

std::optional<Condition> condition_of(const nlohmann::json& status, std::string_view type) {
  const auto* all = acme::array_member(status, "conditions");
  if (all == nullptr) return std::nullopt;
  for (const nlohmann::json& each : *all) {
    if (text_of(each, "type") != type) continue;
    Condition condition{text_of(each, "type"), text_of(each, "status"), text_of(each, "reason"),
                        text_of(each, "message"), 0};
    const auto* generation = acme::member(each, "observedGeneration");
    if (generation != nullptr && generation->is_number_integer()) {
      condition.observed_generation = generation->get<std::int64_t>();
    }
    return condition;
  }
  return std::nullopt;
}

bool is_true(const nlohmann::json& status, std::string_view type) {
  const auto condition = condition_of(status, type);
  return condition && condition->status == "True";
}

}  // namespace kube
