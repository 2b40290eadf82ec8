// What `doctor` found, as JSON.
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "acme/preflight.h"

namespace app {

// [{check, name, verdict: good|bad|unknown, text}]
[[nodiscard]] nlohmann::ordered_json findings_json(const std::vector<acme::Finding>& findings);

}  // namespace app
