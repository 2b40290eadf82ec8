#include "proxy/forwarding.h"

#include <algorithm>

#include "proxy/access_log.h"
#include "proxy/affinity.h"
#include "proxy/forwarded.h"
#include "proxy/reply.h"
#include "proxy/request_target.h"
#include "proxy/session.h"
#include "proxy/tls_client_auth.h"

namespace proxy {
namespace {

constexpr std::string_view challenge_path = "/.well-known/acme-challenge/";  // RFC 8555 §8.3

bool idempotent(http::verb verb) {
  switch (verb) {  // RFC 9110 §9.2.2
    case http::verb::get:
    case http::verb::head:
    case http::verb::put:
    case http::verb::delete_:
    case http::verb::options:
    case http::verb::trace:
      return true;
    default:
      return false;
  }
}

std::string_view protocol_name(HttpVersion version) {
  switch (version) {
    case HttpVersion::http10:
      return "HTTP/1.0";
    case HttpVersion::http11:
      return "HTTP/1.1";
    case HttpVersion::http2:
      return "HTTP/2";
  }
  return "HTTP/1.1";
}

// What a line says of any request; views into the exchange.
AccessRecord record_of(Exchange& exchange, const Snapshot& snapshot) {
  const RequestHead& request = exchange.request();
  const ConnectionFacts& connection = exchange.connection();
  AccessRecord record;
  record.method = request.method;
  record.host = request.authority;
  record.target = request.target;
  record.protocol = protocol_name(request.version);
  record.tls_version = connection.tls_version;
  record.server_name = connection.server_name;
  record.tls_resumed = connection.tls_resumed;
  record.handshake = connection.handshake;
  record.user_agent = request.headers.find(http::field::user_agent).value_or("");
  record.referer = request.headers.find(http::field::referer).value_or("");
  record.generation = snapshot.generation;
  return record;
}

}  // namespace

Forwarding::Forwarding(Worker& worker, Exchange& exchange)
    : worker_(worker),
      exchange_(exchange),
      snapshot_(worker.snapshot()),
      begun_(std::chrono::steady_clock::now()),
      wall_begun_(logged() ? std::chrono::system_clock::now() : std::chrono::system_clock::time_point{}),
      response_(worker.spare_heads().take()),
      client_(exchange.connection().client),
      response_deadline_(worker.deadlines(),
                         [this] { expired(late_ == Late::no && writer_ != nullptr ? Late::idle : Late::first_byte); }),
      body_deadline_(worker.deadlines(), [this] { expired(Late::request_body); }),
      whole_deadline_(worker.deadlines(), [this] { expired(Late::whole); }),
      watch_(worker.deadlines(),
             [this] {
               if (!exchange_.gone()) {
                 watch_.arm(std::chrono::seconds(1));
                 return;
               }
               client_gone_ = true;
               if (lease_) lease_->abort({base::Code::closed, "the client went away", base::Origin::downstream});
             }),
      pump_ended_(worker.io()) {
  const RequestHead& request = exchange.request();
  WorkerStats& stats = worker.stats();
  (request.version == HttpVersion::http2 ? stats.requests_h2 : stats.requests_h1).add();
  stats.requests_open.add();
}

Forwarding::~Forwarding() {
  worker_.spare_heads().give_back(std::move(response_));
  worker_.stats().requests_open.subtract();
}

std::unique_ptr<Forwarding> Forwarding::begin(Worker& worker, Exchange& exchange) {
  std::unique_ptr<Forwarding> forwarding(new Forwarding(worker, exchange));
  if (!forwarding->answer_here()) return forwarding;
  forwarding->log_and_count();
  return nullptr;
}

bool Forwarding::answer_here() {
  RequestHead& request = exchange_.request();
  if (logged()) {
    host_ = request.authority;
    target_ = request.target;
  }
  if (answer_challenge()) return true;
  if (request.verb == http::verb::connect) {
    answer(405);
    return true;
  }
  route_ = snapshot_->routes->match(request);
  if (misdirected()) {
    worker_.stats().violations[static_cast<std::size_t>(Violation::misdirected)].add();
    answer(421);
    return true;
  }
  if (route_ == nullptr) {
    outcome_ = "no_route";
    answer(404);
    return true;
  }
  if (route_->config.redirect_to_https && !exchange_.connection().tls) {
    redirect_to_https();
    return true;
  }
  if (const auto* redirect = std::get_if<config::Redirect>(&route_->config.action)) {
    const bool by_prefix = route_->config.path.kind == config::PathMatch::Kind::prefix;
    const std::string location = redirect_location(*redirect, request, exchange_.connection().tls,
                                                   by_prefix ? std::string_view(route_->config.path.path) : "");
    reply_here({.status = static_cast<unsigned>(redirect->status),
                .location = location,
                .changes = &route_->config.response_headers});
    return true;
  }
  if (const auto* respond = std::get_if<config::Respond>(&route_->config.action)) {
    reply_here({.status = static_cast<unsigned>(respond->status),
                .body = respond->body,
                .content_type = respond->content_type,
                .changes = &route_->config.response_headers});
    return true;
  }
  body_limit_ = route_->config.body_size.value_or(snapshot_->config->limits.body_size).value;
  if (body_limit_ != 0 && request.content_length.value_or(0) > body_limit_) {
    worker_.stats().violations[static_cast<std::size_t>(Violation::body_size)].add();
    answer(413);
    return true;
  }
  pool_ = worker_.upstreams().of_route(route_->index);
  if (pool_ == nullptr) {
    answer(503);
    return true;
  }
  prepare();
  return false;
}

// On the plain listener, for any host, before routes and redirects.
bool Forwarding::answer_challenge() {
  if (snapshot_->challenges == nullptr || snapshot_->challenges->http01.empty()) return false;
  const RequestHead& request = exchange_.request();
  if (exchange_.connection().tls || !request.path().starts_with(challenge_path)) return false;
  const auto found = snapshot_->challenges->http01.find(std::string(request.path().substr(challenge_path.size())));
  if (found == snapshot_->challenges->http01.end()) return false;
  worker_.stats().acme_answers.add();
  outcome_ = "acme_challenge";
  reply_here({.status = 200, .body = found->second, .content_type = "application/octet-stream"});
  return true;
}

// RFC 9110 §15.5.20: a connection whose handshake went through another client certificate policy than this host's must
// not reach the host by HTTP/2 connection reuse or a forged Host field. Nor does a connection without a handshake reach
// a backend that is meant for those who have shown a certificate; being sent to https is all that it may have.
bool Forwarding::misdirected() const {
  if (snapshot_->client_auth == nullptr) return false;
  const ClientAuthPolicy& policy = snapshot_->client_auth->find(exchange_.request().host());
  if (!exchange_.connection().tls) {
    return policy.mode == config::ClientCertificateMode::required && route_ != nullptr &&
           !route_->config.redirect_to_https && std::holds_alternative<config::ToBackend>(route_->config.action);
  }
  return policy.id != exchange_.connection().client_auth_policy;
}

void Forwarding::redirect_to_https() {
  config::Redirect to_https;
  to_https.status = 308;
  to_https.scheme = "https";
  if (snapshot_->config->https_port != 443) to_https.port = snapshot_->config->https_port;
  const std::string location = redirect_location(to_https, exchange_.request(), false, "");
  reply_here({.status = 308, .location = location});
}

void Forwarding::answer(unsigned status, unsigned retry_after) {
  reply_here({.status = status, .retry_after = retry_after});
}

// What prepare() finds out on the way to a backend, for a request that goes to none.
void Forwarding::identify() {
  const HeaderList& headers = exchange_.request().headers;
  if (logged()) client_ = client_behind(headers, exchange_.connection(), snapshot_->config->trusted_proxies);
  request_id_ = apply_request_id(exchange_.request().headers);
}

void Forwarding::reply_here(Reply wanted) {
  if (request_id_.empty()) identify();
  wanted.request_id = request_id_;
  status_ = wanted.status;
  bytes_out_ = reply(exchange_, wanted, response_);
}

// What is the same for every attempt.
void Forwarding::prepare() {
  RequestHead& request = exchange_.request();
  const ConnectionFacts& connection = exchange_.connection();
  remove_hop_by_hop(request.headers);
  if (pool_->config().affinity) attempts_.wanted = endpoint_of_cookie(request.headers, pool_->state());
  // What looks through all fields comes before what adds many.
  request_id_ = apply_request_id(request.headers);
  apply_client_identity(request.headers, connection);
  client_ = apply_forwarded(request, connection, snapshot_->config->trusted_proxies);
  apply_changes(request.headers, route_->config.request_headers);
  const auto& to = std::get<config::ToBackend>(route_->config.action);
  if (to.replace_prefix) request.target = replace_prefix(request.target, route_->config.path.path, *to.replace_prefix);
  if (!pool_->config().host_header.empty()) request.authority = pool_->config().host_header;
  replayable_ = idempotent(request.verb);
  pool_->retry_budget().count_request(begun_);
}

void Forwarding::log_and_count() {
  const auto total = std::chrono::steady_clock::now() - begun_;
  WorkerStats& stats = worker_.stats();
  if (route_ != nullptr) {
    RouteStats& route = stats.route(route_->slot);
    route.by_class[std::min<std::size_t>(status_ / 100, 5)].add();
    route.latency.observe(total);
    route.bytes_in.add(bytes_in_);
    route.bytes_out.add(bytes_out_);
  }
  const config::AccessLog format = snapshot_->config->access_log;
  if (format == config::AccessLog::off) return;
  const std::string client = client_.to_string();
  AccessRecord record = record_of(exchange_, *snapshot_);
  record.at = wall_begun_;
  record.request_id = request_id_;
  record.client = client;
  record.host = host_;
  record.target = target_;
  if (route_ != nullptr) record.route = route_->config.name;
  if (pool_ != nullptr) record.backend = pool_->config().name;
  record.endpoint = attempts_.endpoint;
  record.status = status_;
  record.bytes_in = bytes_in_;
  record.bytes_out = bytes_out_;
  record.queue = attempts_.queued;
  record.connect = connect_time_;
  record.first_byte = first_byte_time_;
  record.total = total;
  record.attempts = static_cast<unsigned>(attempts_.tried.size());
  record.outcome = outcome_;
  worker_.access_log().write(worker_.number(), format, record, stats);
}

void log_refused(Worker& worker, Exchange& exchange, unsigned status) {
  const SnapshotPtr& snapshot = worker.snapshot();
  if (snapshot->config->access_log == config::AccessLog::off) return;
  RequestHead& request = exchange.request();
  const std::string client =
      client_behind(request.headers, exchange.connection(), snapshot->config->trusted_proxies).to_string();
  const std::string request_id = apply_request_id(request.headers);  // the one in the answer, which has left it there
  AccessRecord record = record_of(exchange, *snapshot);
  record.at = std::chrono::system_clock::now();
  record.request_id = request_id;
  record.client = client;
  record.status = status;
  record.outcome = "refused";
  worker.access_log().write(worker.number(), snapshot->config->access_log, record, worker.stats());
}

}  // namespace proxy
