#include "proxy/h2_upstream_exchange.h"

#include <utility>

#include "proxy/h2_callbacks.h"
#include "proxy/h2_upstream.h"

namespace proxy {
namespace {

// A backend is trusted more than a client, but not without end.
constexpr std::size_t most_header_bytes = 256 << 10;
constexpr std::size_t most_unread_heads = 16;  // 1xx that come faster than they are passed on

base::Error upstream_error(base::Code code, std::string_view what, base::Retry retry = base::Retry::never) {
  return {code, std::string(what), base::Origin::upstream, retry};
}

}  // namespace

H2UpstreamExchange::H2UpstreamExchange(std::shared_ptr<H2UpstreamLink> link)
    : H2Body(*link), upstream_(std::move(link)), reused_(upstream_->carried_one()) {
  upstream_->enter(*this);
  if (!upstream_->alive())
    lose(upstream_error(base::Code::closed, "the connection is closed", base::Retry::fresh_connection));
}

H2UpstreamExchange::~H2UpstreamExchange() {
  if (stream() > 0 && !closed()) {
    // First the reset, which still finds the request in nghttp2's queue; then nothing refers to this any more.
    reset_stream(NGHTTP2_CANCEL, {base::Code::cancelled, "the exchange was given up"});
    nghttp2_session_set_stream_user_data(upstream_->frames(), stream(), nullptr);
  }
  upstream_->exit(*this);
}

void H2UpstreamExchange::send(const RequestHead& head) {
  head_request_ = head.verb == http::verb::head;
  upgrade_ = head.upgrade;
  if (out() != Out::open) return;
  if (upgrade_.empty() || upstream_->settled()) {
    submit(head);
  } else {
    held_head_ = head;
  }
}

void H2UpstreamExchange::settings_came() {
  if (const auto head = std::exchange(held_head_, std::nullopt)) submit(*head);
}

void H2UpstreamExchange::submit(const RequestHead& head) {
  nghttp2_session* session = upstream_->frames();
  const bool tunnel = !upgrade_.empty();
  if (tunnel && nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 1) {
    give_up(upstream_error(base::Code::refused, "the backend takes no upgrade over HTTP/2"));
    return;
  }
  H2FieldBlock& fields = upstream_->fields();
  fields.clear();
  fields.add(":method", tunnel ? "CONNECT" : std::string_view(head.method));
  fields.add(":scheme", upstream_->scheme());
  fields.add(":authority", head.authority);
  fields.add(":path", head.target);
  if (tunnel) fields.add(":protocol", head.upgrade);
  fields.add(head.headers);
  if (head.content_length && !tunnel) fields.add_content_length(*head.content_length);
  const nghttp2_data_provider source = h2_body_source();
  const bool with_body = head.has_body || tunnel;
  const std::int32_t id = nghttp2_submit_request(session, nullptr, fields.data(), fields.size(),
                                                 with_body ? &source : nullptr, static_cast<H2Body*>(this));
  if (id < 0) {
    give_up(upstream_error(base::Code::closed, nghttp2_strerror(id), base::Retry::fresh_connection));
    return;
  }
  set_stream(id);
  if (!with_body) finish({});
  upstream_->watch();
  upstream_->flush_soon();
}

base::Result<bool> H2UpstreamExchange::poll_head(ResponseHead& head) {
  if (heads_.empty()) return in() == In::failed ? base::Result<bool>(std::unexpected(error())) : false;
  head = std::move(heads_.front());
  heads_.pop_front();
  return true;
}

awaitable<base::Result<void>> H2UpstreamExchange::wait_head() {
  co_await readable.wait();
  co_return base::Result<void>{};
}

void H2UpstreamExchange::abort(const base::Error& error) {
  reset_stream(NGHTTP2_CANCEL, error);
}

// ---- From within nghttp2

void H2UpstreamExchange::begin_head() {
  header_bytes_ = 0;
  if (!final_) incoming_.clear();
}

bool H2UpstreamExchange::take_field(std::string_view name, std::string_view value) {
  header_bytes_ += name.size() + value.size();
  if (header_bytes_ > most_header_bytes) {
    reset_stream(NGHTTP2_CANCEL, upstream_error(base::Code::too_large, "the response's fields are too large"));
    return false;
  }
  if (final_) {
    add_trailer_field(in_trailers(), name, value);
    return true;
  }
  if (add_response_field(incoming_, name, value)) return true;
  reset_stream(NGHTTP2_PROTOCOL_ERROR, upstream_error(base::Code::protocol, "the response's fields are broken"));
  return false;
}

void H2UpstreamExchange::end_head(bool end_stream) {
  if (!final_) {
    final_ = incoming_.status >= 200;
    const unsigned status = incoming_.status;
    incoming_.has_body = final_ && !end_stream && !head_request_ && status != 204 && status != 304;
    if (!upgrade_.empty() && status >= 200 && status < 300) {
      // RFC 8441 §5: what HTTP/1.1 would have said with 101.
      incoming_.status = 101;
      incoming_.upgrade = upgrade_;
      incoming_.content_length.reset();
      incoming_.has_body = false;
    }
    if (heads_.size() >= most_unread_heads) {
      reset_stream(NGHTTP2_ENHANCE_YOUR_CALM, upstream_error(base::Code::protocol, "too many interim responses"));
      return;
    }
    heads_.push_back(std::exchange(incoming_, {}));
  }
  if (end_stream) end_input();
  readable.notify();
}

void H2UpstreamExchange::frame_went_out(bool end_stream) {
  sent_ = true;
  if (end_stream) complete_output();
}

void H2UpstreamExchange::could_not_send(std::string_view why) {
  if (sent_) {
    reset_stream(NGHTTP2_INTERNAL_ERROR, upstream_error(base::Code::internal, why));
  } else {
    give_up(upstream_error(base::Code::closed, why, base::Retry::fresh_connection));
  }
}

void H2UpstreamExchange::closed_by(std::uint32_t code) {
  refused_ = code == NGHTTP2_REFUSED_STREAM;
  if (refused_ && in() == In::open) {
    give_up(upstream_error(base::Code::refused, "the backend refused the stream", base::Retry::fresh_connection));
  }
  close(code, base::Origin::upstream);
}

void H2UpstreamExchange::lose(const base::Error& error) {
  if (in() == In::open) {
    give_up(error);
  } else {
    // The response is here whole and may still be read; nothing more can be sent.
    close(NGHTTP2_CANCEL, base::Origin::upstream);
  }
}

}  // namespace proxy
