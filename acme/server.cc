#include "acme/server.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "acme/json_fields.h"
#include "acme/server_url.h"

namespace acme {
namespace {

constexpr int most_bad_nonces = 8;
constexpr int most_lost_answers = 1;
constexpr std::size_t largest_answer = 1U << 20U;
constexpr std::size_t most_nonces = 16;
constexpr std::size_t most_idle_connections = 4;
constexpr std::chrono::minutes nonce_lifetime{5};  // servers forget; an old one costs a badNonce
constexpr std::chrono::hours directory_lifetime{1};

bool uses_https_only(const Directory& directory) {
  const std::array<std::string_view, 6> urls{directory.new_nonce,   directory.new_account, directory.new_order,
                                             directory.revoke_cert, directory.key_change,  directory.renewal_info};
  return std::ranges::all_of(urls, [](std::string_view url) { return url.empty() || url.starts_with("https://"); });
}

}  // namespace

Server::Server(Client::Options options, const base::Clock& clock, Client::Observe observe)
    : options_(std::move(options)), clock_(clock), observe_(std::move(observe)) {}

Outcome<Directory> Server::directory(const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    if (directory_ && clock_.steady() - directory_since_ < directory_lifetime) return *directory_;
  }
  return directory_anew(stop);
}

Outcome<Directory> Server::directory_anew(const std::stop_token& stop) {
  const auto answer = get("directory", options_.directory_url, stop);
  if (!answer) return std::unexpected(answer.error());
  const auto json = parse_json(answer->body);
  if (!json) return failed(base::Error(json.error()).in("directory"));
  auto read = directory_from(*json);
  if (!read) return failed(std::move(read.error()));
  if (options_.directory_url.starts_with("https://") && !uses_https_only(*read)) {
    return failed(base::Code::protocol, "the directory leads away from https");
  }
  if (answer->date) {
    read->clock_ahead = std::chrono::duration_cast<std::chrono::seconds>(*answer->date - clock_.now());
  }
  const std::lock_guard lock(mutex_);
  directory_ = *read;
  directory_since_ = clock_.steady();
  return *std::move(read);
}

Outcome<Answer> Server::post(const Post& post, const std::stop_token& stop) {
  std::string given;  // the nonce that came with a badNonce
  int bad_nonces = 0;
  int lost_answers = 0;
  for (;;) {
    if (given.empty()) {
      auto fresh = nonce(stop);
      if (!fresh) return std::unexpected(std::move(fresh.error()).in(post.operation));
      given = *std::move(fresh);
    }
    auto answer = send_signed(post, std::exchange(given, {}), stop);
    if (!answer) {
      const bool lost = answer.error().code == base::Code::closed && post.repeat == Post::Repeat::when_lost;
      if (lost && lost_answers++ < most_lost_answers) continue;
      return failed(std::move(answer.error()).in(post.operation));
    }
    if (answer->good()) {
      keep_nonce(std::move(answer->nonce));
      return *std::move(answer);
    }
    Failure failure = failure_of(*answer, clock_.now()).in(post.operation);
    const bool bad_nonce = failure.problem && failure.problem->type == ProblemType::bad_nonce;
    if (!bad_nonce || bad_nonces++ == most_bad_nonces) {
      keep_nonce(std::move(answer->nonce));
      return std::unexpected(std::move(failure));
    }
    // RFC 8555 §6.5: "An error response with the "badNonce" error type MUST include a Replay-Nonce header field with a
    // fresh nonce that the server will accept in a retry of the original query".
    given = std::move(answer->nonce);
  }
}

Outcome<Answer> Server::get(std::string_view operation, const std::string& url, const std::stop_token& stop) {
  base::HttpRequest request;
  request.url = url;
  request.headers.push_back({"Accept", "application/json"});
  auto answer = exchange(operation, request, stop);
  if (!answer) return failed(std::move(answer.error()).in(operation));
  if (!answer->good()) return std::unexpected(failure_of(*answer, clock_.now()).in(operation));
  return *std::move(answer);
}

base::Result<Answer> Server::send_signed(const Post& post, const std::string& nonce, const std::stop_token& stop) {
  auto body = sign_jws(post.key, {.url = post.url, .nonce = nonce, .kid = post.kid}, post.payload);
  if (!body) return std::unexpected(std::move(body.error()));
  base::HttpRequest request;
  request.method = "POST";
  request.url = post.url;
  request.body = *std::move(body);
  request.headers = {{"Content-Type", "application/jose+json"}, {"Accept", post.accept}};
  if (post.repeat == Post::Repeat::never) request.connection = base::HttpRequest::Connection::fresh;
  return exchange(post.operation, request, stop);
}

base::Result<Answer> Server::exchange(std::string_view operation, const base::HttpRequest& asked,
                                      const std::stop_token& stop) {
  if (!allowed(asked.url)) {
    return base::fail(base::Code::protocol, "a URL that is neither https nor towards loopback", base::Origin::upstream);
  }
  base::HttpRequest request = asked;
  request.timeout = options_.timeout;
  request.ca_file = options_.ca_certificates;
  request.body_limit = largest_answer;
  if (leads_to_loopback(request.url)) request.proxy = base::HttpRequest::Proxy::none;
  auto connection = take_connection();
  const auto begun = clock_.steady();
  auto response = connection->send(request, stop);
  give_back(std::move(connection));
  base::Result<Answer> answer = response ? base::Result<Answer>(answer_of(*std::move(response), clock_.now()))
                                         : base::Result<Answer>(std::unexpected(std::move(response.error())));
  observe(operation, answer, std::chrono::duration_cast<std::chrono::milliseconds>(clock_.steady() - begun));
  return answer;
}

void Server::observe(std::string_view operation, const base::Result<Answer>& answer,
                     std::chrono::milliseconds duration) {
  if (!observe_) return;
  std::string_view problem;
  if (answer && answer->status >= 400) {
    if (const auto failure = failure_of(*answer, clock_.now()); failure.problem) {
      problem = to_string(failure.problem->type);
    }
  }
  observe_({operation, answer ? answer->status : 0, problem, duration});
}

Outcome<std::string> Server::nonce(const std::stop_token& stop) {
  {
    const std::lock_guard lock(mutex_);
    std::erase_if(nonces_, [&](const KeptNonce& kept) { return clock_.steady() - kept.since > nonce_lifetime; });
    if (!nonces_.empty()) {
      std::string newest = std::move(nonces_.back().value);
      nonces_.pop_back();
      return newest;
    }
  }
  const auto known = directory(stop);
  if (!known) return std::unexpected(known.error());
  base::HttpRequest request;
  request.method = "HEAD";  // RFC 8555 §7.2
  request.url = known->new_nonce;
  auto answer = exchange("newNonce", request, stop);
  if (!answer) return failed(std::move(answer.error()).in("newNonce"));
  if (!answer->good()) return std::unexpected(failure_of(*answer, clock_.now()).in("newNonce"));
  if (answer->nonce.empty()) return failed(base::Code::protocol, "newNonce: the answer has no nonce");
  return std::move(answer->nonce);
}

void Server::keep_nonce(std::string nonce) {
  if (nonce.empty()) return;
  const std::lock_guard lock(mutex_);
  if (nonces_.size() == most_nonces) nonces_.erase(nonces_.begin());
  nonces_.push_back({std::move(nonce), clock_.steady()});
}

bool Server::allowed(std::string_view url) const {
  return is_server_url(url) && (url.starts_with("https://") || !options_.directory_url.starts_with("https://"));
}

std::unique_ptr<base::HttpClient> Server::take_connection() {
  const std::lock_guard lock(mutex_);
  if (idle_.empty()) return std::make_unique<base::HttpClient>();
  auto connection = std::move(idle_.back());
  idle_.pop_back();
  return connection;
}

void Server::give_back(std::unique_ptr<base::HttpClient> connection) {
  const std::lock_guard lock(mutex_);
  if (idle_.size() < most_idle_connections) idle_.push_back(std::move(connection));
}

}  // namespace acme
