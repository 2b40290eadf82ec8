// Times in what is stored as JSON: whole seconds since 1970.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/clock.h"

namespace acme {

// Rounded up: nothing is allowed earlier after a restart than before.
[[nodiscard]] std::int64_t stored(base::SystemTime time);
// Nothing: no whole number, or not between 1970 and 2250.
[[nodiscard]] std::optional<base::SystemTime> stored_time(const nlohmann::json& json);
// A member of an object.
[[nodiscard]] std::optional<base::SystemTime> stored_time(const nlohmann::json& object, std::string_view key);

}  // namespace acme
