#include "base/ascii.h"
#include "proxy/body_pace.h"
#include "proxy/forwarding.h"
#include "proxy/trailers.h"

namespace proxy {
namespace {

constexpr std::size_t most_replayed = 64 << 10;

// gRPC keeps a request open to say something now and then.
bool is_stream(const RequestHead& request) {
  constexpr std::string_view grpc = "application/grpc";
  const std::string_view type = request.headers.find(http::field::content_type).value_or("");
  return !request.upgrade.empty() || iequals(type.substr(0, grpc.size()), grpc);
}

}  // namespace

// At the first attempt the body is where it was; at a second one its beginning comes from what was kept.
void Forwarding::start_request_body() {
  RequestHead& request = exchange_.request();
  if (!body_started_ && request.expects_continue) {
    // RFC 9110 §10.1.1: a backend has been found that will read it.
    ResponseHead go_on;
    go_on.status = 100;
    exchange_.send_informational(go_on);
    request.expects_continue = false;
  }
  body_started_ = true;
  if (!replay_.empty()) lease_->body_writer().write(replay_);
  if (body_ended_) {
    finish_request_body();
    return;
  }
  pump_what_is_there();
  if (body_ended_ || body_too_large_ || client_gone_) return;
  pumping_ = true;
  stop_pump_ = false;
  worker_.spawn("request body", pump_request_body());
}

void Forwarding::take_piece(std::span<const char> bytes) {
  bytes_in_ += bytes.size();
  if (body_limit_ != 0 && bytes_in_ > body_limit_) {
    body_too_large_ = true;
    return;
  }
  if (replayable_ && replay_.size() + bytes.size() <= most_replayed) {
    replay_.append(bytes.data(), bytes.size());
  } else {
    replayable_ = false;
    replay_ = std::string();
  }
  lease_->body_writer().write(bytes);
}

void Forwarding::finish_request_body() {
  const HeaderList& trailers = exchange_.body().trailers();
  BodyWriter& to = lease_->body_writer();
  if (trailers.empty()) {
    to.finish(trailers);
  } else {
    to.finish(request_trailers(trailers, route_->config.request_headers));
  }
  to.push();
}

void Forwarding::pump_what_is_there() {
  BodyWriter& to = lease_->body_writer();
  while (!to.congested() && !body_too_large_) {
    const BodyPiece piece = exchange_.body().poll();
    switch (piece.kind) {
      case BodyPiece::Kind::data:
        take_piece(piece.bytes);
        continue;
      case BodyPiece::Kind::end:
        body_ended_ = true;
        finish_request_body();
        return;
      case BodyPiece::Kind::failed:
        client_gone_ = true;
        return;
      case BodyPiece::Kind::blocked:
        to.push();
        return;
    }
  }
  to.push();
}

// Runs beside the exchange until the body has ended, failed, or nobody wants it any more; joined by join_request_body.
awaitable<void> Forwarding::pump_request_body() {
  const auto client_patience = snapshot_->config->timeouts.body;
  BodyPace pace(client_patience, snapshot_->config->limits.body_rate.value);
  const auto backend_patience = pool_->config().timeouts.idle;
  const bool tunnel = response_.status == 101;
  const bool stream = tunnel || is_stream(exchange_.request());
  while (!stop_pump_ && !body_ended_ && !body_too_large_ && !client_gone_) {
    BodyWriter& to = lease_->body_writer();
    const bool congested = to.congested();
    const bool paced = !stream && !congested && writer_ == nullptr;
    if (!tunnel) body_deadline_.arm(congested ? backend_patience : paced ? pace.left() : client_patience);
    const Time asked = paced ? std::chrono::steady_clock::now() : Time();
    const std::uint64_t before = bytes_in_;
    base::Result<void> went_on;
    if (congested) {
      went_on = co_await to.drain();
    } else {
      went_on = co_await exchange_.body().wait();
    }
    body_deadline_.disarm();
    if (stop_pump_) break;
    if (tunnel) response_deadline_.arm(pool_->config().timeouts.upgraded_idle);
    if (!went_on) {
      // A backend that stops reading may have answered already: that answer is for the client.
      if (congested) {
        backend_refuses_body_ = true;
      } else {
        client_gone_ = true;
      }
      break;
    }
    pump_what_is_there();
    if (paced) pace.waited(std::chrono::steady_clock::now() - asked, bytes_in_ - before);
  }
  // A body that will not be completed must not look complete: the exchange with the backend ends here.
  if (!stop_pump_ && !body_ended_ && !backend_refuses_body_ && lease_) {
    lease_->abort({body_too_large_ ? base::Code::too_large : base::Code::closed, "the request was not completed",
                   base::Origin::downstream});
  }
  if ((body_ended_ || backend_refuses_body_) && writer_ == nullptr)
    response_deadline_.arm(pool_->config().timeouts.first_byte);
  pumping_ = false;
  pump_ended_.notify();
}

awaitable<void> Forwarding::join_request_body() {
  if (!pumping_) co_return;
  stop_pump_ = true;
  exchange_.stop_body();
  if (lease_) lease_->abort({base::Code::cancelled, "the response came before the request was read"});
  while (pumping_) co_await pump_ended_.wait();
}

void Forwarding::expired(Late which) {
  const base::Error error{base::Code::timeout, "too late", base::Origin::upstream, base::Retry::fresh_connection};
  // Whatever else was late before: nothing but this ends the wait for a client that does not read.
  if (which == Late::client_write) exchange_.abort(error);
  if (late_ != Late::no) return;
  late_ = which;
  if (lease_) lease_->abort(error);
  if (which == Late::request_body || (which == Late::whole && pumping_)) exchange_.stop_body();
}

}  // namespace proxy
