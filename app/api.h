// What the admin endpoint answers as JSON. Pure functions of an Observation; the shapes are part of what sekisho
// promises.
#pragma once

#include <nlohmann/json.hpp>

#include "app/observation.h"

namespace app {

using Json = nlohmann::ordered_json;

// {ready, reasons[], warnings[], draining, generation, published_generation, reload{...}}. `generation` is the one that
// every worker serves.
[[nodiscard]] Json readiness_json(const Observation& seen);
[[nodiscard]] Json status_json(const Observation& seen);
[[nodiscard]] Json certificates_json(const Observation& seen);
[[nodiscard]] Json routes_json(const Observation& seen);
[[nodiscard]] Json backends_json(const Observation& seen);
// The configuration in force and what became of the last reload. Values of fields that may be secrets are left out.
[[nodiscard]] Json configuration_json(const Observation& seen);

// Text for a reader: bytes that are no UTF-8 are replaced.
[[nodiscard]] std::string dump(const Json& json);

}  // namespace app
