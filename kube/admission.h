// Admission: the answer to an AdmissionReview (admission.k8s.io/v1) for an Ingress. Pure; nothing is written, so a dry
// run is as good as the real one.
#pragma once

#include <functional>

#include <nlohmann/json.hpp>

#include "base/error.h"
#include "kube/judgement.h"

namespace kube {

using JudgeIngress = std::function<Judgement(const nlohmann::json& ingress)>;

// `review` is attacker controlled, of bounded size. What is not a question about an Ingress that is created or changed
// is allowed. What was wrong before the change too is a warning, so that nobody is kept from mending something else.
// Errors: invalid, protocol: this is no AdmissionReview that could be answered.
[[nodiscard]] base::Result<nlohmann::json> answer_review(const nlohmann::json& review, const JudgeIngress& judge);

}  // namespace kube
