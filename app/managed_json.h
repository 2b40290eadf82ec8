// A certificate that sekisho gets by itself, as JSON.
#pragma once

#include <nlohmann/json.hpp>

#include "acme/managed_certificate.h"

namespace app {

// {name, issuer, issuer_kind, issued_by, state, detail, next_action, next_action_reason, window{start, end, chosen,
// explanation_url}, failures, problem, problem_type, failed_at, order{...}, on_demand}
[[nodiscard]] nlohmann::ordered_json managed_json(const acme::ManagedCertificate& managed);

}  // namespace app
