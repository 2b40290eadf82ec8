#include "acme/answer.h"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "acme/server_url.h"
#include "base/ascii.h"
#include "base/base64.h"
#include "base/timestamps.h"

namespace acme {
namespace {

using std::chrono::seconds;

constexpr seconds longest_wait = std::chrono::hours(31 * 24);
constexpr std::size_t longest_nonce = 512;
constexpr std::size_t most_alternates = 10;

// RFC 9110 §10.2.3. A date is taken by the server's own clock where that is known.
std::optional<seconds> parse_retry_after(std::string_view text, base::SystemTime server_now) {
  if (text.empty()) return std::nullopt;
  if (std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; })) {
    std::int64_t count = 0;
    const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (wrong != std::errc() || count > longest_wait.count()) return longest_wait;
    return seconds(count);
  }
  const auto date = base::parse_http_date(text, server_now);
  if (!date) return std::nullopt;
  return std::clamp(std::chrono::ceil<seconds>(*date - server_now), seconds(0), longest_wait);
}

// RFC 8555 §6.5.1: "Clients MUST ignore invalid Replay-Nonce values."
std::string checked_nonce(std::string_view text) {
  if (text.size() > longest_nonce || !base::from_base64url(text)) return {};
  return std::string(text);
}

bool has_relation(std::string_view parameters, std::string_view relation) {
  while (!parameters.empty()) {
    const auto end = parameters.find(';');
    const std::string parameter = base::lower_case(base::trimmed(parameters.substr(0, end), " \t"));
    parameters = end == std::string_view::npos ? std::string_view() : parameters.substr(end + 1);
    if (!parameter.starts_with("rel=")) continue;
    std::string_view value = std::string_view(parameter).substr(4);
    if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) value = value.substr(1, value.size() - 2);
    return value == relation;
  }
  return false;
}

base::Code code_of(const Answer& answer, const std::optional<Problem>& problem) {
  const ProblemType type = problem ? problem->type : ProblemType::other;
  if (answer.status == 429 || answer.status == 503 || type == ProblemType::rate_limited) return base::Code::overloaded;
  if (answer.status == 404 || type == ProblemType::account_does_not_exist) return base::Code::not_found;
  if (answer.status < 400) return base::Code::protocol;
  return base::Code::refused;
}

// A gateway in front of the CA answers with pages of its own: those are not the CA's word.
std::optional<Problem> problem_of(const Answer& answer) {
  const auto json = parse_json(answer.body);
  if (!json || !json->is_object() || answer.status < 400) return std::nullopt;
  if (answer.content_type != "application/problem+json" && text_member(*json, "type") == nullptr) return std::nullopt;
  Problem problem = problem_from(*json);
  problem.status = answer.status;
  return problem;
}

}  // namespace

std::vector<std::string> linked(std::string_view field, std::string_view relation) {
  std::vector<std::string> urls;
  while (true) {
    const auto begin = field.find('<');
    const auto end = begin == std::string_view::npos ? begin : field.find('>', begin);
    if (end == std::string_view::npos) return urls;
    const std::string_view url = field.substr(begin + 1, end - begin - 1);
    field.remove_prefix(end + 1);
    const std::string_view parameters = field.substr(0, field.find_first_of(",<"));
    if (has_relation(parameters, relation) && is_server_url(url)) urls.emplace_back(url);
  }
}

Answer answer_of(base::HttpResponse response, base::SystemTime now) {
  Answer answer;
  answer.status = response.status;
  answer.body = std::move(response.body);
  const std::string_view type = response.header("content-type");
  answer.content_type = base::lower_case(base::trimmed(type.substr(0, type.find(';')), " \t"));
  answer.nonce = checked_nonce(response.header("replay-nonce"));
  if (const auto location = response.header("location"); is_server_url(location)) answer.location = location;
  answer.date = base::parse_http_date(response.header("date"), now);
  answer.retry_after = parse_retry_after(response.header("retry-after"), answer.date.value_or(now));
  for (const base::HttpHeader& header : response.headers) {
    if (header.name != "link") continue;
    if (auto next = linked(header.value, "next"); answer.next.empty() && !next.empty()) {
      answer.next = std::move(next.front());
    }
    for (std::string& url : linked(header.value, "alternate")) {
      if (answer.alternates.size() < most_alternates) answer.alternates.push_back(std::move(url));
    }
  }
  return answer;
}

Failure failure_of(const Answer& answer, base::SystemTime now) {
  auto problem = problem_of(answer);
  std::string what = problem ? problem->to_string() : fmt::format("the server answered {}", answer.status);
  const bool later = !problem || problem->mends_itself();
  Failure failure{.error = {code_of(answer, problem), std::move(what), base::Origin::upstream,
                            later ? base::Retry::later : base::Retry::never},
                  .problem = std::move(problem),
                  .not_before = std::nullopt};
  if (answer.retry_after) failure.not_before = now + *answer.retry_after;
  return failure;
}

}  // namespace acme
