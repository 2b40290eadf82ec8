// Conditions: status.conditions of an object. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "base/clock.h"

namespace kube {

struct Condition {
  std::string type;
  std::string status;  // True, False, Unknown
  std::string reason;
  std::string message;  // never a secret
  std::int64_t observed_generation = 0;
  friend bool operator==(const Condition&, const Condition&) = default;
};

// `status` is an object, whatever is in it. lastTransitionTime changes with the status alone.
void set_condition(nlohmann::json& status, const Condition& condition, base::SystemTime now);
void remove_condition(nlohmann::json& status, std::string_view type);
[[nodiscard]] std::optional<Condition> condition_of(const nlohmann::json& status, std::string_view type);
[[nodiscard]] bool is_true(const nlohmann::json& status, std::string_view type);

}  // namespace kube
