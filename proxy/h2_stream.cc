#include "proxy/h2_stream.h"

#include "proxy/h2_callbacks.h"
#include "proxy/h2_session.h"
#include "proxy/header_rules.h"
#include "proxy/request_target.h"
#include "proxy/session.h"
#include "proxy/worker.h"

namespace proxy {
namespace {

std::uint32_t reset_code(const base::Error& error) noexcept {
  switch (error.code) {
    case base::Code::cancelled:
    case base::Code::timeout:
      return NGHTTP2_CANCEL;
    case base::Code::protocol:
      return error.origin == base::Origin::downstream ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_INTERNAL_ERROR;
    default:
      return NGHTTP2_INTERNAL_ERROR;
  }
}

}  // namespace

H2Stream::H2Stream(H2Session& session) : H2Body(session), session_(session) {}

const ConnectionFacts& H2Stream::connection() const {
  return session_.facts();
}

void H2Stream::begin(std::int32_t id, const config::Limits& limits) {
  reset();
  set_stream(id);
  request_.clear();
  fields_.begin(limits);
  trailer_bytes_ = 0;
  responded_ = lost_ = running = false;
}

void H2Stream::take_field(std::string_view name, std::string_view value) {
  fields_.add(request_, name, value);
}

void H2Stream::take_trailer(std::string_view name, std::string_view value, const config::Limits& limits) {
  trailer_bytes_ += name.size() + value.size();
  // More than that is left out: trailers are never needed to understand a message (RFC 9110 §6.5.1).
  if (trailer_bytes_ > limits.header_size.value || in_trailers().size() >= limits.header_count) return;
  add_trailer_field(in_trailers(), name, value);
}

bool H2Stream::end_head(bool end_stream, WorkerStats& stats) {
  if (end_stream) end_input();
  Violation violation = Violation::bad_request;
  unsigned refused = fields_.finish(request_, end_stream);
  if (refused == 0 && !normalize_target(request_)) refused = 400;
  if (refused == 0) return true;
  if (refused == 414) violation = Violation::uri_length;
  if (refused == 431) violation = fields_.too_many() ? Violation::header_count : Violation::header_size;
  stats.violations[static_cast<std::size_t>(violation)].add();
  refuse(refused);
  return false;
}

void H2Stream::refuse(unsigned status) {
  ResponseHead head;
  head.status = status;
  head.has_body = false;
  head.content_length = 0;
  head.headers.add(http::field::unknown, "x-request-id", apply_request_id(request_.headers));
  respond(head);
  log_refused(session_.worker(), *this, status);
}

void H2Stream::send_informational(const ResponseHead& head) {
  if (responded_ || closed() || out() != Out::open) return;
  H2FieldBlock& fields = link().fields();
  fields.clear();
  fields.add_status(head.status);
  fields.add(head.headers);
  nghttp2_submit_headers(link().frames(), NGHTTP2_FLAG_NONE, stream(), nullptr, fields.data(), fields.size(), nullptr);
  link().flush_soon();
}

BodyWriter& H2Stream::respond(const ResponseHead& head) {
  if (responded_ || closed() || out() != Out::open) return *this;
  responded_ = true;
  const bool tunnel = head.status == 101;
  H2FieldBlock& fields = link().fields();
  fields.clear();
  // RFC 8441 §4: what HTTP/1.1 says with 101 is said with a 2xx.
  fields.add_status(tunnel ? 200 : head.status);
  fields.add(head.headers);
  if (head.content_length && !tunnel && head.status != 204) fields.add_content_length(*head.content_length);
  const nghttp2_data_provider source = h2_body_source();
  const bool with_body = head.has_body || tunnel;
  const int failed =
      nghttp2_submit_response(link().frames(), stream(), fields.data(), fields.size(), with_body ? &source : nullptr);
  if (failed != 0) {
    abort({base::Code::internal, nghttp2_strerror(failed)});
  } else if (!with_body) {
    finish({});
  }
  link().flush_soon();
  return *this;
}

void H2Stream::abort(const base::Error& error) {
  reset_stream(reset_code(error), error);
}

void H2Stream::response_sent() {
  complete_output();
  if (!running) stop_request();
}

void H2Stream::coroutine_ended() {
  running = false;
  if (out() == Out::open) abort({base::Code::internal, "the response was left unfinished"});
  if (out() == Out::complete) stop_request();
  discard_input();
}

void H2Stream::stop_request() {
  if (input_ended() || closed()) return;
  // Not at once: clients exist that forget the response when they are stopped while they send.
  session_.linger();
}

void H2Stream::end_linger() {
  if (running || closed() || input_ended() || out() != Out::complete) return;
  // RFC 9113 §8.1: a complete response may be followed by RST_STREAM with NO_ERROR to stop the client from sending
  // more.
  reset_stream(NGHTTP2_NO_ERROR, {base::Code::cancelled, "the response was complete"});
}

void H2Stream::lose(const base::Error& error) {
  lost_ = lost_ || out() != Out::complete;
  give_up(error);
}

}  // namespace proxy
