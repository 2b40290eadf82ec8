// What a Secret holds does not stay in freed memory.
#pragma once

#include <nlohmann/json_fwd.hpp>

namespace kube {

// Overwrites the values of `data`. Any JSON.
void wipe_data(nlohmann::json& secret);

}  // namespace kube
