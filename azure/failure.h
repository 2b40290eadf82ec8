// AzureFailure: why a call to Azure brought nothing, with what decides what to do then.
#pragma once

#include <chrono>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "base/http_client.h"

namespace azure {

struct AzureFailure {
  base::Error error;            // for people; never a token, cut to a bounded length; grows context as it rises
  unsigned status = 0;          // of HTTP; 0: there was no answer
  std::string code = {};        // error.code: "Forbidden"; empty if there was none
  std::string inner_code = {};  // error.innererror.code, the innermost: "ForbiddenByFirewall"
  std::string message = {};     // error.message, one line: part of error.what, for those who look for a word in it
  std::optional<std::chrono::milliseconds> retry_after = {};
  std::string challenge = {};  // WWW-Authenticate of a 401, for those who look for the tenant in it
  bool no_token = false;       // nothing was asked for, because we got no token

  [[nodiscard]] bool not_found() const { return status == 404; }
  [[nodiscard]] bool conflict() const { return status == 409; }
  [[nodiscard]] bool precondition_failed() const { return status == 412; }
  [[nodiscard]] bool throttled() const { return status == 429; }
  // Either of the codes.
  [[nodiscard]] bool is(std::string_view which) const { return code == which || inner_code == which; }
  [[nodiscard]] AzureFailure in(std::string_view where) &&;
};

template <class T>
using Outcome = std::expected<T, AzureFailure>;

[[nodiscard]] std::unexpected<AzureFailure> failed(base::Error error);

// From an answer that is no success: {"error":{"code","message","innererror":{"code"}}}, and what proxies send instead.
// `response` is controlled by the server. `now` is for dates.
[[nodiscard]] AzureFailure failure_from(const base::HttpResponse& response, base::SystemTime now);

// How long the server wants not to be asked: retry-after-ms, x-ms-retry-after-ms, then Retry-After in seconds or as a
// date; an hour at most. None if it does not say.
[[nodiscard]] std::optional<std::chrono::milliseconds> wait_in(const base::HttpResponse& response,
                                                               base::SystemTime now);

}  // namespace azure
