// ApiFailure: why a call to the API brought nothing, with what decides what to do then.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json_fwd.hpp>

#include "base/error.h"
#include "base/http_client.h"

namespace kube {

struct ApiFailure {
  base::Error error;         // for people; never a token, cut to a bounded length; grows context as it rises
  unsigned status = 0;       // of HTTP; 0: there was no answer
  std::string reason = {};   // Status.reason: "NotFound"; empty if there was none
  std::string message = {};  // Status.message: part of error.what, for those who look for a word in it
  std::optional<std::chrono::seconds> retry_after = {};

  [[nodiscard]] bool not_found() const { return status == 404; }
  [[nodiscard]] bool forbidden() const { return status == 403; }
  // Another writer was there first (409), whether the object exists already or its resourceVersion has moved on.
  [[nodiscard]] bool conflict() const { return status == 409; }
  // The resourceVersion is too old to go on from: list again.
  [[nodiscard]] bool expired() const { return status == 410 || reason == "Expired" || reason == "Gone"; }
  [[nodiscard]] ApiFailure in(std::string_view where) &&;
};

template <class T>
using Outcome = std::expected<T, ApiFailure>;

[[nodiscard]] std::unexpected<ApiFailure> failed(base::Error error);

// From an answer that is no success. `response` is controlled by the server.
[[nodiscard]] ApiFailure failure_from(const base::HttpResponse& response);
// From a Status object, as an ERROR event of a watch brings it.
[[nodiscard]] ApiFailure failure_from_status(const nlohmann::json& status);

}  // namespace kube
