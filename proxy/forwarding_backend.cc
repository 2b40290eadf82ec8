#include <algorithm>

#include "proxy/affinity.h"
#include "proxy/forwarded.h"
#include "proxy/forwarding.h"

namespace proxy {
namespace {

constexpr unsigned retry_after_overload = 1;  // seconds
constexpr std::chrono::seconds after_half_close{30};

}  // namespace

// In few coroutines, because each costs an allocation and a turn of Asio's machinery for every request.
awaitable<void> Forwarding::run() {
  const config::Route& route = route_->config;
  whole_deadline_.arm(route.request_timeout.value_or(pool_->config().timeouts.request));
  watch_.arm(std::chrono::seconds(1));
  for (;;) {
    lease_ = BackendPool::try_acquire(pool_, attempts_);
    if (!lease_) {
      const Time asked = std::chrono::steady_clock::now();
      const auto queued_before = attempts_.queued;
      auto acquired = co_await BackendPool::acquire(pool_, attempts_, exchange_.connection());
      connect_time_ += std::chrono::steady_clock::now() - asked - (attempts_.queued - queued_before);
      if (!acquired) {
        note_upstream_failure(acquired.error());
        if (may_retry(acquired.error())) continue;
        fail(acquired.error());
        break;
      }
      lease_ = std::move(*acquired);
      if (late_ != Late::no || client_gone_) {
        fail({base::Code::timeout, "too late", base::Origin::upstream});
        break;
      }
    }
    const Step step = co_await exchange_once();
    if (step == Step::done) break;
    lease_ = UpstreamLease();
  }
  watch_.disarm();
  response_deadline_.disarm();
  if (pumping_) co_await join_request_body();
  lease_ = UpstreamLease();
  log_and_count();
}

awaitable<Forwarding::Step> Forwarding::exchange_once() {
  RequestHead& request = exchange_.request();
  const config::BackendTimeouts& timeouts = pool_->config().timeouts;
  lease_->send(request);
  if (request.has_body) {
    start_request_body();
  } else {
    body_ended_ = true;
  }
  if (!pumping_) response_deadline_.arm(timeouts.first_byte);
  base::Result<bool> head = false;
  response_.clear();
  informational_ = 0;
  if (body_too_large_ || client_gone_) {
    lease_->abort({base::Code::closed, "the request was not completed", base::Origin::downstream});
    head = base::fail(base::Code::closed, "the request was not completed", base::Origin::downstream);
  } else {
    head = poll_final_head();
  }
  while (head && !*head) {
    if (auto ready = co_await lease_->wait_head()) {
      head = poll_final_head();
    } else {
      head = std::unexpected(std::move(ready.error()));
    }
  }
  if (!head) {
    const base::Error error = std::move(head.error());
    if (pumping_) co_await join_request_body();
    note_upstream_failure(error);
    if (may_retry(error)) co_return Step::retry;
    fail(error);
    co_return Step::done;
  }
  if (logged()) first_byte_time_ = std::chrono::steady_clock::now() - begun_;
  status_ = response_.status;
  if (status_ == 502 || status_ == 503 || status_ == 504) lease_.blame();
  if (status_ == 101) {
    if (pool_->config().affinity) set_affinity_cookie();
    co_await tunnel();
    co_return Step::done;
  }
  remove_hop_by_hop(response_.headers);
  apply_changes(response_.headers, route_->config.response_headers);
  if (pool_->config().affinity) set_affinity_cookie();
  writer_ = &exchange_.respond(response_);
  const Relayed relayed = relay_what_is_there();
  if (relayed != Relayed::whole || writer_->congested()) co_await relay_rest(relayed);
  co_return Step::done;
}

// True: it is in response_. False: it has to be waited for.
base::Result<bool> Forwarding::poll_final_head() {
  constexpr unsigned most_informational = 16;
  for (;;) {
    auto head = lease_->poll_head(response_);
    if (!head || !*head || !response_.informational()) return head;
    if (++informational_ == most_informational) break;
    // 100 was said by us; others (103 Early Hints) are for the client.
    if (response_.status != 100) {
      remove_hop_by_hop(response_.headers);
      exchange_.send_informational(response_);
    }
    response_.clear();
  }
  return base::fail(base::Code::protocol, "the backend sends informational responses without end",
                    base::Origin::upstream);
}

// Where the client's cookie has not led here: the one that does from now on.
void Forwarding::set_affinity_cookie() {
  const tcp::endpoint& here = attempts_.tried.back();
  if (attempts_.wanted == here) return;
  const auto& endpoints = pool_->state().endpoints;
  const auto endpoint = std::ranges::find(endpoints, here, &EndpointState::address);
  if (endpoint == endpoints.end() || endpoint->affinity.empty()) return;  // it is gone by now
  // A proxy in front that is trusted may know better than this connection.
  const bool by_https =
      exchange_.connection().tls || exchange_.request().headers.find("x-forwarded-proto").value_or("") == "https";
  response_.headers.add(http::field::set_cookie,
                        affinity_cookie(*pool_->config().affinity, *endpoint, route_->config.path.path,
                                        by_https ? ClientScheme::https : ClientScheme::http));
}

// Moves what is there of the response's body, up to where something has to be waited for.
Forwarding::Relayed Forwarding::relay_what_is_there() {
  BodyReader& from = lease_->body_reader();
  while (!client_gone_ && late_ == Late::no) {
    if (writer_->congested()) return Relayed::blocked;
    const BodyPiece piece = response_.has_body ? from.poll() : BodyPiece{BodyPiece::Kind::end, {}};
    switch (piece.kind) {
      case BodyPiece::Kind::data:
        bytes_out_ += piece.bytes.size();
        writer_->write(piece.bytes);
        continue;
      case BodyPiece::Kind::end: {
        static const HeaderList no_trailers;
        writer_->finish(response_.has_body ? from.trailers() : no_trailers);
        writer_->push();
        return Relayed::whole;
      }
      case BodyPiece::Kind::failed:
        note_upstream_failure(from.error());
        outcome_ = late_ == Late::no ? "upstream_closed" : "upstream_timeout";
        lease_.blame();
        exchange_.abort(from.error());
        return Relayed::broken;
      case BodyPiece::Kind::blocked:
        writer_->push();
        return Relayed::blocked;
    }
  }
  return Relayed::cut;
}

// The rest of a response that did not come, or did not go, at once: `relayed` is how far it came.
awaitable<void> Forwarding::relay_rest(Relayed relayed) {
  const auto idle = pool_->config().timeouts.idle;
  for (;; relayed = relay_what_is_there()) {
    if (relayed == Relayed::broken) co_return;
    if (relayed == Relayed::cut) break;
    if (writer_->congested()) {
      co_await flush_client();
      if (relayed == Relayed::whole) co_return;
      continue;
    }
    if (relayed == Relayed::whole) co_return;
    response_deadline_.arm(idle);
    const auto went_on = co_await lease_->body_reader().wait();
    response_deadline_.disarm();
    if (!went_on && (client_gone_ || late_ != Late::no)) break;
  }
  outcome_ = client_gone_ ? "client_gone" : "upstream_timeout";
  if (late_ == Late::idle) note_upstream_failure({base::Code::timeout, "idle", base::Origin::upstream});
  exchange_.abort({base::Code::closed, "the response was cut", base::Origin::upstream});
}

// The client's socket is full: its own patience counts now, not the backend's.
awaitable<void> Forwarding::flush_client() {
  Deadline patience(worker_.deadlines(), [this] {
    worker_.stats().violations[static_cast<std::size_t>(Violation::write_timeout)].add();
    expired(Late::client_write);
  });
  patience.arm(snapshot_->config->timeouts.write);
  response_deadline_.disarm();
  const auto drained = co_await writer_->drain();
  if (!drained) client_gone_ = true;
}

awaitable<void> Forwarding::tunnel() {
  const auto idle = pool_->config().timeouts.upgraded_idle;
  WorkerStats& stats = worker_.stats();
  stats.upgrades_open.add();
  whole_deadline_.disarm();
  watch_.disarm();
  response_.headers.remove(http::field::connection);
  response_.headers.remove(http::field::upgrade);
  writer_ = &exchange_.respond(response_);
  writer_->push();
  body_ended_ = false;
  body_limit_ = 0;
  replayable_ = false;
  pump_what_is_there();
  pumping_ = true;
  worker_.spawn("tunnel", pump_request_body());
  BodyReader& from = lease_->body_reader();
  bool ended = false;
  response_deadline_.arm(idle);
  while (!ended && late_ == Late::no) {
    const BodyPiece piece = from.poll();
    if (piece.kind == BodyPiece::Kind::data) {
      bytes_out_ += piece.bytes.size();
      writer_->write(piece.bytes);
      if (!writer_->congested()) continue;
      co_await flush_client();
      if (client_gone_) break;
      response_deadline_.arm(idle);
      continue;
    }
    writer_->push();
    if (piece.kind == BodyPiece::Kind::failed) break;
    if (piece.kind == BodyPiece::Kind::end) {
      ended = true;
      break;
    }
    const auto went_on = co_await from.wait();
    response_deadline_.arm(idle);
    if (!went_on) break;
  }
  if (ended) {
    writer_->finish({});
    // The client's side may still have something to say, for a while.
    response_deadline_.arm(after_half_close);
    while (pumping_ && late_ == Late::no) {
      Deadline patience(worker_.deadlines(), [this] { pump_ended_.notify(); });
      patience.arm(after_half_close);
      co_await pump_ended_.wait();
      if (!patience.armed()) break;
    }
  } else {
    exchange_.abort({base::Code::closed, "the tunnel was cut"});
  }
  outcome_ = late_ != Late::no ? "idle_timeout" : "ok";
  co_await join_request_body();
  stats.upgrades_open.subtract();
}

// Whether the endpoint may do better the next time: its connection had been kept and was closed, as it may be at any
// time, or it says itself that it has not looked at the request (RFC 9113 §8.7).
bool Forwarding::was_not_taken(const base::Error& error) const {
  if (!lease_) return false;
  if (error.code == base::Code::closed) return lease_->reused();
  return error.code == base::Code::refused && !lease_->may_have_been_processed();
}

bool Forwarding::may_retry(const base::Error& error) {
  const config::Retries& retries = pool_->config().retries;
  if (writer_ != nullptr || late_ == Late::whole || late_ == Late::request_body || client_gone_ || body_too_large_)
    return false;
  if (error.retry != base::Retry::fresh_connection && error.code != base::Code::timeout) return false;
  if (attempts_.tried.size() > retries.attempts || attempts_.tried.empty()) return false;
  const bool nothing_sent = !lease_ || !lease_->may_have_been_processed();
  const bool body_untouched = !body_started_;
  const bool safe = nothing_sent ? body_untouched || replayable_ || !exchange_.request().has_body
                                 : replayable_ && (body_ended_ || !exchange_.request().has_body);
  if (!safe) return false;
  // The same endpoint is asked again only for what a fresh connection mends.
  if (!pool_->offers_another(attempts_) && !was_not_taken(error)) return false;
  if (!pool_->retry_budget().take(std::chrono::steady_clock::now(), retries.budget_percent)) {
    worker_.stats().retries_over_budget.add();
    return false;
  }
  worker_.stats().retries.add();
  if (lease_) lease_.blame();
  late_ = Late::no;
  return true;
}

void Forwarding::note_upstream_failure(const base::Error& error) {
  if (client_gone_ || body_too_large_ || late_ == Late::request_body || late_ == Late::client_write) return;
  UpstreamFailure kind = attempts_.failure;
  if (lease_) {
    kind = error.code == base::Code::protocol ? UpstreamFailure::protocol : UpstreamFailure::closed;
    if (late_ == Late::first_byte) kind = UpstreamFailure::first_byte_timeout;
    if (late_ == Late::idle) kind = UpstreamFailure::idle_timeout;
  }
  if (late_ == Late::whole) kind = UpstreamFailure::request_timeout;
  worker_.stats().upstream_failures[static_cast<std::size_t>(kind)].add();
}

// No response has begun: says why there is none. RFC 9110 §15.6.
void Forwarding::fail(const base::Error& error) {
  if (client_gone_) {
    outcome_ = "client_gone";
    exchange_.abort(error);
    return;
  }
  if (body_too_large_) {
    outcome_ = "body_too_large";
    worker_.stats().violations[static_cast<std::size_t>(Violation::body_size)].add();
    answer(413);
    return;
  }
  if (late_ == Late::request_body) {
    outcome_ = "client_timeout";
    worker_.stats().violations[static_cast<std::size_t>(Violation::body_timeout)].add();
    answer(408);
    return;
  }
  if (lease_) lease_.blame();
  if (late_ != Late::no || error.code == base::Code::timeout) {
    outcome_ = "upstream_timeout";
    answer(504);
  } else if (error.code == base::Code::overloaded) {
    outcome_ = "upstream_overloaded";
    answer(503, retry_after_overload);
  } else if (attempts_.tried.empty()) {
    outcome_ = "no_endpoint";
    answer(503, retry_after_overload);
  } else {
    outcome_ = lease_ ? "upstream_closed" : "upstream_unreachable";
    answer(502);
  }
}

}  // namespace proxy
