#include "azure/failure.h"

#include <algorithm>
#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/json.h"
#include "base/timestamps.h"

namespace azure {
namespace {

using std::chrono::milliseconds;

constexpr std::size_t longest_message = 500;
constexpr std::size_t longest_code = 100;
constexpr std::size_t longest_challenge = 2048;
constexpr milliseconds longest_wait = std::chrono::hours(1);
constexpr unsigned deepest_inner_error = 8;

base::Code code_of(unsigned status) {
  switch (status) {
    case 400:
    case 422:
      return base::Code::invalid;
    case 404:
    case 410:
      return base::Code::not_found;
    case 408:
    case 504:
      return base::Code::timeout;
    case 429:
      return base::Code::overloaded;
    default:
      return base::Code::refused;
  }
}

std::optional<milliseconds> count_in(std::string_view text, milliseconds unit) {
  std::uint32_t count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::min(longest_wait, unit * std::int64_t{count});
}

// The innermost code says most: Forbidden, and inside it ForbiddenByFirewall.
std::string inner_code_of(const nlohmann::json& error) {
  std::string code;
  const nlohmann::json* inner = acme::member(error, "innererror");
  for (unsigned depth = 0; inner != nullptr && depth < deepest_inner_error; ++depth) {
    std::string here = acme::shown_member(*inner, "code", longest_code);
    if (!here.empty()) code = std::move(here);
    inner = acme::member(*inner, "innererror");
  }
  return code;
}

void describe(AzureFailure& failure) {
  std::string what = fmt::format("HTTP {}", failure.status);
  if (!failure.code.empty()) what += ' ' + failure.code;
  if (!failure.inner_code.empty()) what += '/' + failure.inner_code;
  if (!failure.message.empty()) what += ": " + failure.message;
  const bool later = failure.status >= 500 || failure.status == 408 || failure.status == 409 || failure.status == 429;
  failure.error = {code_of(failure.status), std::move(what), base::Origin::upstream,
                   later ? base::Retry::later : base::Retry::never};
}

}  // namespace

AzureFailure AzureFailure::in(std::string_view where) && {
  error = std::move(error).in(where);
  return std::move(*this);
}

std::unexpected<AzureFailure> failed(base::Error error) {
  return std::unexpected(AzureFailure{.error = std::move(error)});
}

std::optional<milliseconds> wait_in(const base::HttpResponse& response, base::SystemTime now) {
  for (const std::string_view name : {"retry-after-ms", "x-ms-retry-after-ms"}) {
    if (const auto wait = count_in(response.header(name), milliseconds(1))) return wait;
  }
  const std::string_view text = response.header("retry-after");
  if (const auto wait = count_in(text, std::chrono::seconds(1))) return wait;
  const auto date = base::parse_http_date(text, now);
  if (!date) return std::nullopt;
  if (*date <= now) return milliseconds(0);
  if (*date - now >= longest_wait) return longest_wait;
  return std::chrono::ceil<milliseconds>(*date - now);
}

AzureFailure failure_from(const base::HttpResponse& response, base::SystemTime now) {
  AzureFailure failure;
  failure.status = response.status;
  const nlohmann::json body = base::parse_json(response.body);
  const nlohmann::json* error = acme::member(body, "error");
  if (error != nullptr && error->is_object()) {
    failure.code = acme::shown_member(*error, "code", longest_code);
    failure.inner_code = inner_code_of(*error);
    failure.message = acme::shown_member(*error, "message", longest_message);
  } else if (body.is_object()) {  // some services leave the wrapping out
    failure.code = acme::shown_member(body, "code", longest_code);
    failure.message = acme::shown_member(body, "message", longest_message);
  } else {
    failure.message = acme::shown(response.body, longest_message);
  }
  failure.retry_after = wait_in(response, now);
  if (response.status == 401) failure.challenge = response.header("www-authenticate").substr(0, longest_challenge);
  describe(failure);
  return failure;
}

}  // namespace azure
