#include "azure/managed_identity.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "azure/failure.h"
#include "azure/http_pool.h"
#include "base/http_url.h"
#include "base/json.h"
#include "base/wait.h"
#include "certstore/secret_bytes.h"

namespace azure {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

// What Entra's documentation says of the endpoint: 404, 429 and 5xx are asked again after 2, 4, 8 and 16 s; 410 says
// that it is being updated, and is there again within 70 s.
constexpr unsigned most_tries = 5;
constexpr seconds first_wait{2};
constexpr seconds wait_for_update{10};
constexpr seconds longest_update{70};
constexpr seconds longest_of_all{75};  // a server that asks for more than is left of this gets no further try
constexpr milliseconds deadline_of_one{5'000};
constexpr std::size_t largest_answer = 1U << 20U;
constexpr std::size_t longest_text = 300;

// The metadata service takes the resource, where Entra takes a scope.
std::string resource_of(std::string scope) {
  constexpr std::string_view suffix = "/.default";
  if (scope.ends_with(suffix)) scope.resize(scope.size() - suffix.size());
  return scope;
}

bool may_pass(unsigned status) {
  return status == 404 || status == 410 || status == 429 || status >= 500;
}

base::Error refusal(const base::HttpResponse& response, const std::string& who) {
  const nlohmann::json json = base::parse_json(response.body);
  std::string said = acme::shown_member(json, "error_description", longest_text);
  if (said.empty()) said = acme::shown_member(json, "error", longest_text);
  if (said.empty()) said = fmt::format("HTTP {}", response.status);
  // 400 is what it says where the machine does not have the identity.
  const bool absent = response.status == 400;
  return {base::Code::refused,
          fmt::format("{}{}: {}", absent ? "the machine does not have the " : "no token for the ", who, said),
          base::Origin::upstream, may_pass(response.status) ? base::Retry::later : base::Retry::never};
}

// How long until the next try, while there is to be one.
class Patience {
 public:
  explicit Patience(base::SteadyTime now) : began_(now) {}

  // After a try that failed; `said`: how long the server wants.
  std::optional<milliseconds> next(unsigned status, std::optional<milliseconds> said, base::SteadyTime now) {
    milliseconds wait = wait_for_update;
    if (status == 410) {
      if (!updating_) updating_ = now;
      if (now - *updating_ >= longest_update) return std::nullopt;
    } else {
      if (++tries_ == most_tries) return std::nullopt;
      wait = std::exchange(wait_, 2 * wait_);
    }
    wait = std::max(wait, said.value_or(milliseconds(0)));
    if (now - began_ + wait > longest_of_all) return std::nullopt;
    return wait;
  }

 private:
  const base::SteadyTime began_;
  std::optional<base::SteadyTime> updating_;
  unsigned tries_ = 0;
  milliseconds wait_ = first_wait;
};

class ManagedIdentity final : public Identity {
 public:
  ManagedIdentity(ManagedIdentityName name, IdentityOptions options)
      : name_(std::move(name)), options_(std::move(options)) {}

  base::Result<Grant> ask(const TokenRequest& request, const std::stop_token& stop) override {
    Patience patience(options_.clock.steady());
    for (;;) {
      auto response = http_.send(request_for(request), stop);
      if (response && response->status == 200) {
        auto grant = grant_from(response->body, options_.clock.now());
        certstore::wipe(response->body.data(), response->body.size());
        if (!grant) return std::unexpected(std::move(grant.error()).in("metadata service"));
        return grant;
      }
      base::Error error =
          response ? refusal(*response, described(request)) : std::move(response.error()).in("metadata service");
      if (error.retry == base::Retry::never) return std::unexpected(std::move(error));
      const auto said = response ? wait_in(*response, options_.clock.now()) : std::nullopt;
      const auto pause = patience.next(response ? response->status : 0, said, options_.clock.steady());
      if (!pause) return std::unexpected(std::move(error));
      const auto& waits = options_.wait;
      if (!(waits ? waits(*pause, stop) : base::wait_for(*pause, stop))) {
        return base::fail(base::Code::cancelled, "stopped", base::Origin::control);
      }
    }
  }

  std::string description() const override { return described({}); }

 private:
  std::string described(const TokenRequest& request) const {
    const std::string& client = request.client_id.empty() ? name_.client_id : request.client_id;
    if (!client.empty()) return "managed identity " + client;
    return name_.resource_id.empty() ? "managed identity" : "managed identity " + name_.resource_id;
  }

  base::HttpRequest request_for(const TokenRequest& wanted) const {
    const std::string& client = wanted.client_id.empty() ? name_.client_id : wanted.client_id;
    base::HttpRequest request;
    request.url = fmt::format("{}/metadata/identity/oauth2/token?api-version=2018-02-01&resource={}",
                              options_.endpoints.metadata, base::percent_encoded(resource_of(wanted.scope)));
    if (!client.empty()) {
      request.url += "&client_id=" + base::percent_encoded(client);
    } else if (!name_.resource_id.empty()) {
      request.url += "&msi_res_id=" + base::percent_encoded(name_.resource_id);
    }
    request.headers = {{"Metadata", "true"}};
    request.proxy = base::HttpRequest::Proxy::none;
    request.timeout = deadline_of_one;
    request.body_limit = largest_answer;
    return request;
  }

  const ManagedIdentityName name_;
  const IdentityOptions options_;
  HttpPool http_;
};

}  // namespace

std::shared_ptr<Identity> make_managed_identity(ManagedIdentityName name, IdentityOptions options) {
  return std::make_shared<ManagedIdentity>(std::move(name), std::move(options));
}

}  // namespace azure
