#include "kube/admission.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "acme/json_fields.h"
#include "kube/resource.h"

namespace kube {
namespace {

constexpr std::string_view version = "admission.k8s.io/v1";
constexpr std::size_t longest_uid = 128;
constexpr std::size_t longest_message = 2'000;
// "Warnings ... should be limited to 120 characters": what is longer is kept as far as the API server passes it on.
constexpr std::size_t longest_warning = 250;
constexpr std::size_t most_warnings = 15;

std::string text_in(const nlohmann::json& object, std::string_view name) {
  const std::string* text = acme::text_member(object, name);
  return text == nullptr ? std::string() : *text;
}

bool is_about_an_ingress(const nlohmann::json& request) {
  const nlohmann::json* kind = acme::member(request, "kind");
  return kind != nullptr && text_in(*kind, "kind") == resources::ingresses.kind &&
         text_in(*kind, "group") == resources::ingresses.group && text_in(request, "subResource").empty();
}

bool is_being_deleted(const nlohmann::json& object) {
  const nlohmann::json* metadata = acme::member(object, "metadata");
  return metadata != nullptr && acme::member(*metadata, "deletionTimestamp") != nullptr &&
         !acme::member(*metadata, "deletionTimestamp")->is_null();
}

Judgement judge_change(const nlohmann::json& request, const JudgeIngress& judge) {
  const std::string operation = text_in(request, "operation");
  const nlohmann::json* object = acme::member(request, "object");
  const bool writes = operation == "CREATE" || operation == "UPDATE";
  if (!writes || object == nullptr || !object->is_object() || is_being_deleted(*object)) return {};
  Judgement judgement = judge(*object);
  const nlohmann::json* before = acme::member(request, "oldObject");
  if (judgement.refusals.empty() || before == nullptr || !before->is_object()) return judgement;
  const std::vector<std::string> old = judge(*before).refusals;
  const auto is_new = [&](const std::string& refusal) { return std::ranges::find(old, refusal) == old.end(); };
  const auto known = std::ranges::stable_partition(judgement.refusals, is_new);
  judgement.warnings.insert(judgement.warnings.begin(), std::make_move_iterator(known.begin()),
                            std::make_move_iterator(known.end()));
  judgement.refusals.erase(known.begin(), known.end());
  return judgement;
}

}  // namespace

base::Result<nlohmann::json> answer_review(const nlohmann::json& review, const JudgeIngress& judge) {
  const nlohmann::json* request = acme::member(review, "request");
  if (text_in(review, "kind") != "AdmissionReview" || text_in(review, "apiVersion") != version || request == nullptr) {
    return base::fail(base::Code::protocol, "an AdmissionReview of admission.k8s.io/v1 with a request is needed");
  }
  const std::string uid = text_in(*request, "uid");
  if (uid.empty() || uid.size() > longest_uid) return base::fail(base::Code::protocol, "the request has no uid");
  const Judgement judgement = is_about_an_ingress(*request) ? judge_change(*request, judge) : Judgement();

  nlohmann::json response{{"uid", uid}, {"allowed", judgement.refusals.empty()}};
  if (!judgement.refusals.empty()) {
    const std::string message = fmt::format("sekisho would not serve it: {}", fmt::join(judgement.refusals, "; "));
    response["status"] = {{"code", 422}, {"reason", "Invalid"}, {"message", acme::shown(message, longest_message)}};
  }
  for (const std::string& warning : judgement.warnings) {
    if (response["warnings"].size() == most_warnings) break;
    response["warnings"].push_back(acme::shown(warning, longest_warning));
  }
  return nlohmann::json{{"apiVersion", version}, {"kind", "AdmissionReview"}, {"response", std::move(response)}};
}

}  // namespace kube
