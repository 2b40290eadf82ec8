// The body of a request to the admission webhook, which whoever reaches its port may send: an answer that is valid,
// says the same twice, is short, and changes nothing of what is served.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "kube/admission.h"
#include "kube/translator.h"

namespace {

using nlohmann::json;

constexpr std::size_t longest_answer = 64U << 10U;

bool is_good(const json& answer) {
  const json& response = answer.at("response");
  if (!response.at("uid").is_string() || !response.at("allowed").is_boolean()) return false;
  // Who is refused is told why.
  if (!response.at("allowed").get<bool>() && !response.at("status").at("message").is_string()) return false;
  return answer.at("kind") == "AdmissionReview";
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const json review = json::parse(std::string_view(reinterpret_cast<const char*>(data), size), nullptr, false);
  if (review.is_discarded()) return 0;
  kube::Translator translator(
      {.classes = {.taken_over = {"sekisho"}, .unclassed = kube::ClassRules::Options::Unclassed::served}});
  const auto judge = [&](const json& ingress) { return translator.judge(ingress); };
  const auto first = kube::answer_review(review, judge);
  const auto second = kube::answer_review(review, judge);
  if (first.has_value() != second.has_value()) std::abort();
  if (!first) return 0;
  // As the webhook writes it: what strangers sent may be no UTF-8.
  const std::string text = first->dump(-1, ' ', false, json::error_handler_t::replace);
  if (!is_good(*first) || *first != *second || text.size() > longest_answer) std::abort();
  if (!translator.routes().empty() || !translator.notices().empty()) std::abort();
  return 0;
}
