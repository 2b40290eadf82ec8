#include "azure/client.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "base/json.h"
#include "base/wait.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

using std::chrono::milliseconds;

// Key Vault's documentation prescribes 1, 2, 4, 8, 16 s where the server does not say how long.
constexpr milliseconds first_wait{1'000};
constexpr milliseconds longest_own_wait{16'000};
constexpr milliseconds least_for_exchange{10'000};  // however long a token was in coming

AzureFailure stopped() {
  return {.error = {base::Code::cancelled, "stopped", base::Origin::control, base::Retry::never}};
}

bool is_safe_to_repeat(const Call& call) {
  return call.method != "POST" && call.method != "PATCH";
}

bool may_be_tried_again(const Call& call, const AzureFailure& failure) {
  if (failure.status == 429 || failure.status == 503) return true;
  const bool broken =
      failure.status >= 500 || failure.status == 408 || failure.error.retry == base::Retry::fresh_connection;
  return broken && is_safe_to_repeat(call);
}

// The URL without its query, which may hold a key of a page.
std::string shown(const Call& call) {
  return fmt::format("{} {}", call.method, call.url.substr(0, std::min<std::size_t>(call.url.find('?'), 300)));
}

// Its copies of a private key that is uploaded, and of the token.
void wipe_secrets(base::HttpRequest& request) {
  certstore::wipe(request.body.data(), request.body.size());
  for (base::HttpHeader& header : request.headers) {
    if (header.name == "Authorization") certstore::wipe(header.value.data(), header.value.size());
  }
}

}  // namespace

Client::Client(std::shared_ptr<Tokens> tokens, Options options)
    : tokens_(std::move(tokens)), options_([&options] {
        if (!options.wait) options.wait = base::wait_for;
        return std::move(options);
      }()) {}

base::HttpRequest Client::request_of(const Call& call, milliseconds left) const {
  base::HttpRequest request;
  request.method = call.method;
  request.url = call.url;
  request.headers = call.headers;
  request.headers.push_back({"Accept", "application/json"});
  if (!call.body.empty()) request.headers.push_back({"Content-Type", "application/json"});
  request.body = call.body;
  request.body_limit = call.body_limit;
  request.timeout = left;
  request.ca_pem = options_.ca_pem;
  // libcurl sends again by itself what a kept connection has lost.
  if (!is_safe_to_repeat(call) || call.retries == 0) request.connection = base::HttpRequest::Connection::fresh;
  return request;
}

// One exchange, or two where the token was not taken.
Outcome<base::HttpResponse> Client::send_once(const Call& call, base::SteadyTime deadline,
                                              const std::stop_token& stop) {
  for (bool renewed = false;; renewed = true) {
    AccessToken token;
    const certstore::WipedAtEnd token_wiped(token.secret);
    if (call.token) {
      auto given = tokens_->token(*call.token, stop);
      if (!given) {
        return std::unexpected(AzureFailure{.error = std::move(given.error()).in("token"), .no_token = true});
      }
      token = *std::move(given);
    }
    const auto left = std::chrono::ceil<milliseconds>(deadline - options_.clock.steady());
    base::HttpRequest request = request_of(call, std::max(left, std::min(options_.timeout, least_for_exchange)));
    if (call.token) {
      request.headers.push_back({"Authorization", {}});
      std::string& bearer = request.headers.back().value;
      bearer.reserve(token.secret.size() + 16);  // no block of it is left behind
      bearer.append("Bearer ").append(token.secret);
    }
    auto response = http_.send(request, stop);
    wipe_secrets(request);
    if (!response) return failed(std::move(response.error()));
    if (response->status / 100 == 2) return *std::move(response);
    if (response->status != 401 || !call.token || renewed) {
      return std::unexpected(failure_from(*response, options_.clock.now()));
    }
    tokens_->refused(*call.token, token);
  }
}

Outcome<base::HttpResponse> Client::send(const Call& call, std::stop_token stop) {
  const base::SteadyTime latest = options_.clock.steady() + options_.timeout;
  const base::SteadyTime deadline = std::min(latest, call.deadline.value_or(latest));
  milliseconds own_wait = first_wait;
  for (unsigned tried = 0;; ++tried) {
    auto response = send_once(call, deadline, stop);
    if (response) return response;
    AzureFailure failure = std::move(response.error());
    const milliseconds wait = failure.retry_after.value_or(own_wait);
    const bool in_time = options_.clock.steady() + wait < deadline;
    if (tried == call.retries || !may_be_tried_again(call, failure) || !in_time) {
      return std::unexpected(std::move(failure).in(shown(call)));
    }
    if (!options_.wait(wait, stop)) return std::unexpected(stopped());
    own_wait = std::min(own_wait * 2, longest_own_wait);
  }
}

Outcome<nlohmann::json> Client::object(const Call& call, std::stop_token stop) {
  auto response = send(call, std::move(stop));
  if (!response) return std::unexpected(std::move(response.error()));
  nlohmann::json object = base::parse_json(response->body);
  if (object.is_object()) return object;
  return failed({base::Code::protocol, shown(call) + ": the answer is no JSON object", base::Origin::upstream,
                 base::Retry::later});
}

}  // namespace azure
