// What a CA may answer, in the place of every object: anything may come, and what is accepted keeps its promises.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "acme/account.h"
#include "acme/answer.h"
#include "acme/authorization.h"
#include "acme/directory.h"
#include "acme/failure_memory.h"
#include "acme/json_fields.h"
#include "acme/order.h"
#include "acme/problem.h"
#include "acme/renewal_info.h"
#include "acme/server_url.h"
#include "base/base64.h"
#include "base/timestamps.h"

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void read_objects(const nlohmann::json& json) {
  const acme::Problem problem = acme::problem_from(json);
  (void)nlohmann::json(problem.to_string()).dump();  // throws where it is no text
  require(problem.to_string().find('\n') == std::string::npos && problem.subproblems.size() <= 100);
  require(acme::to_json(acme::problem_from(acme::to_json(problem))) == acme::to_json(problem));
  (void)acme::account_from(json, "u");
  if (const auto directory = acme::directory_from(json)) require(acme::is_server_url(directory->new_order));
  if (const auto order = acme::order_from(json, "u")) {
    require(acme::is_server_url(order->finalize));
    for (const std::string& url : order->authorizations) require(acme::is_server_url(url));
  }
  if (const auto authorization = acme::authorization_from(json, "u")) {
    require(!authorization->identifier.wildcard());
    for (const acme::Challenge& challenge : authorization->challenges) {
      require(challenge.token.find_first_of("/.\r\n") == std::string::npos);
    }
  }
  if (const auto info = acme::renewal_info_from(json)) require(info->start < info->end);
}

}  // namespace

// The first byte says whether the rest is a body or header fields, one a line.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(bytes) + 1, size - 1);
  if (bytes[0] % 2 == 0) {
    if (const auto json = acme::parse_json(text)) read_objects(*json);
    return 0;
  }
  const base::SystemTime now = std::chrono::sys_days(std::chrono::year(2026) / 1 / 1);
  const std::string line(text.substr(0, text.find('\n')));
  base::HttpResponse response{.status = 400, .headers = {}, .body = std::string(text)};
  for (const char* name : {"content-type", "replay-nonce", "location", "link", "date", "retry-after"}) {
    response.headers.push_back({name, line});
  }
  const acme::Answer answer = acme::answer_of(std::move(response), now);
  require(answer.alternates.size() <= 10);
  require(!answer.retry_after || answer.retry_after->count() >= 0);
  require(answer.nonce.find_first_of("\"\r\n") == std::string::npos);
  const acme::Failure failure = acme::failure_of(answer, now);
  require(!failure.error.what.empty());
  acme::FailureMemory memory;
  memory.record(failure, now, 0.0);
  (void)memory.to_json().dump();  // throws where it is no text
  if (const auto decoded = base::from_base64url(line)) require(base::to_base64url(*decoded) == line);
  if (const auto time = base::parse_rfc3339(line)) {
    require(base::parse_rfc3339(base::to_rfc3339(*time)) == std::chrono::floor<std::chrono::seconds>(*time));
  }
  return 0;
}
