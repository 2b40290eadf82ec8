#include "kube/api_failure.h"

#include <charconv>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "base/json.h"

namespace kube {
namespace {

constexpr std::size_t longest_message = 500;
constexpr std::size_t longest_reason = 64;
constexpr std::chrono::seconds longest_wait{3600};

base::Code code_of(unsigned status) {
  switch (status) {
    case 400:
    case 422:
      return base::Code::invalid;
    case 404:
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

std::optional<std::chrono::seconds> seconds_in(std::string_view text) {
  unsigned count = 0;
  const auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return std::min(longest_wait, std::chrono::seconds(count));
}

void read_status(const nlohmann::json& status, ApiFailure& failure) {
  failure.reason = acme::shown_member(status, "reason", longest_reason);
  failure.message = acme::shown_member(status, "message", longest_message);
  if (const nlohmann::json* details = acme::member(status, "details")) {
    const nlohmann::json* wait = acme::member(*details, "retryAfterSeconds");
    if (wait != nullptr && wait->is_number_unsigned() && *wait > 0U) {
      failure.retry_after = std::chrono::seconds(
          std::min<std::uint64_t>(wait->get<std::uint64_t>(), static_cast<std::uint64_t>(longest_wait.count())));
    }
  }
}

void describe(ApiFailure& failure) {
  std::string what = fmt::format("HTTP {}", failure.status);
  if (!failure.reason.empty()) what += ' ' + failure.reason;
  if (!failure.message.empty()) what += ": " + failure.message;
  const bool later = failure.status >= 500 || failure.status == 429 || failure.status == 409;
  failure.error = {code_of(failure.status), std::move(what), base::Origin::upstream,
                   later ? base::Retry::later : base::Retry::never};
}

}  // namespace

ApiFailure ApiFailure::in(std::string_view where) && {
  error = std::move(error).in(where);
  return std::move(*this);
}

std::unexpected<ApiFailure> failed(base::Error error) {
  return std::unexpected(ApiFailure{.error = std::move(error)});
}

ApiFailure failure_from(const base::HttpResponse& response) {
  ApiFailure failure;
  failure.status = response.status;
  const nlohmann::json body = base::parse_json(response.body);
  if (body.is_object()) {
    read_status(body, failure);
  } else {
    failure.message =
        acme::shown(response.body, longest_message);  // a proxy on the way answers in a language of its own
  }
  if (const auto wait = seconds_in(response.header("retry-after"))) failure.retry_after = wait;
  describe(failure);
  return failure;
}

ApiFailure failure_from_status(const nlohmann::json& status) {
  ApiFailure failure;
  const nlohmann::json* code = acme::member(status, "code");
  failure.status = code != nullptr && code->is_number_unsigned() && *code < 1000U ? code->get<unsigned>() : 500;
  read_status(status, failure);
  describe(failure);
  return failure;
}

}  // namespace kube
