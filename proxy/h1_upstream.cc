#include "proxy/h1_upstream.h"

#include <boost/beast/core/detail/base64.hpp>

#include <algorithm>
#include <array>
#include <random>
#include <utility>

#include "proxy/worker.h"

namespace proxy {
namespace {

// What a backend may send; we trust it more than a client, but not without end.
constexpr HeadLimits response_limits{.header_count = 256, .header_size = 48 << 10, .target_size = 0};

// RFC 6455 §4.1: a nonce, not a secret. For clients that came by RFC 8441, which has none.
std::string websocket_key() {
  thread_local std::mt19937_64 random(std::random_device{}());
  const std::array<std::uint64_t, 2> nonce{random(), random()};
  std::string key(24, '=');
  boost::beast::detail::base64::encode(key.data(), nonce.data(), sizeof nonce);
  return key;
}

// RFC 9112 §3: what would end the target, or the request line, within it.
bool fits_request_line(std::string_view target) {
  return std::ranges::all_of(target, [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte > 0x20 && byte != 0x7f;
  });
}

}  // namespace

H1Upstream::H1Upstream(Worker& worker, std::unique_ptr<Transport> transport, ConnectionCount count)
    : worker_(worker),
      count_(std::move(count)),
      transport_(std::move(transport)),
      reader_(worker, *transport_),
      writer_(*transport_) {}

void H1Upstream::send(const RequestHead& head) {
  ++exchanges_;
  sent_ = true;
  upgraded_ = false;
  expecting_ = false;
  final_head_ = false;
  head_request_ = head.verb == http::verb::head;
  wants_upgrade_ = !head.upgrade.empty();
  std::string& text = worker_.text_buffer();
  text.append(head.method).append(" ").append(head.target).append(" HTTP/1.1\r\n");
  append_field(text, "host", head.authority);
  append_fields(text, head.headers);
  if (wants_upgrade_) {
    text.append("connection: upgrade\r\n");
    append_field(text, "upgrade", head.upgrade);
    if (head.upgrade == "websocket" && !head.headers.find(http::field::sec_websocket_key)) {
      append_field(text, "sec-websocket-key", websocket_key());
      if (!head.headers.find(http::field::sec_websocket_version)) append_field(text, "sec-websocket-version", "13");
    }
    writer_.begin(H1BodyWriter::Framing::none);
  } else if (!head.has_body) {
    // RFC 9110 §8.6: methods that could have had content say that they have none.
    const bool usual_content =
        head.verb == http::verb::post || head.verb == http::verb::put || head.verb == http::verb::patch;
    if (usual_content || head.content_length) text.append("content-length: 0\r\n");
    writer_.begin(H1BodyWriter::Framing::none);
  } else if (head.content_length) {
    text.append("content-length: ");
    append_number(text, *head.content_length);
    text.append("\r\n");
    writer_.begin(H1BodyWriter::Framing::length, *head.content_length);
  } else {
    text.append("transfer-encoding: chunked\r\n");
    writer_.begin(H1BodyWriter::Framing::chunked);
  }
  text.append("\r\n");
  if (fits_request_line(head.target)) {
    transport_->write(text);
  } else {
    // No reader of clients and no route lets one through; if one does, it ends here and not in the next request.
    transport_->cancel({base::Code::protocol, "the target does not fit into a request line", base::Origin::internal});
  }
  if (!head.has_body) {
    writer_.finish({});
    transport_->push();
  }
}

base::Result<bool> H1Upstream::poll_head(ResponseHead& head) {
  if (!expecting_) {
    reader_.expect(head, response_limits);
    if (head_request_) reader_.expect_no_body();
    expecting_ = true;
  }
  switch (reader_.poll_head()) {
    case H1Reader<false>::HeadState::blocked:
      transport_->push();
      return false;
    case H1Reader<false>::HeadState::end:
      return base::fail(base::Code::closed, "the backend closed the connection without an answer",
                        base::Origin::upstream, base::Retry::fresh_connection);
    case H1Reader<false>::HeadState::failed: {
      base::Error error = reader_.error();
      error.origin = base::Origin::upstream;
      if (error.code == base::Code::closed) error.retry = base::Retry::fresh_connection;
      return std::unexpected(std::move(error));
    }
    case H1Reader<false>::HeadState::complete:
      break;
  }
  expecting_ = false;
  if (head.informational()) return true;
  final_head_ = true;
  head.has_body = !reader_.complete();
  if (head.status == 101) {
    if (!wants_upgrade_) {
      return base::fail(base::Code::protocol, "the backend switched protocols unasked", base::Origin::upstream);
    }
    upgraded_ = true;
    head.upgrade = head.headers.find(http::field::upgrade).value_or("");
    reader_.become_raw();
    writer_.begin(H1BodyWriter::Framing::raw);
  }
  return true;
}

void H1Upstream::abort(const base::Error& error) {
  transport_->cancel(error);
}

bool H1Upstream::reusable() const {
  return final_head_ && !upgraded_ && !transport_->cut() && !transport_->congested() && writer_.complete() &&
         reader_.complete() && reader_.keep_alive() && !reader_.has_leftover();
}

}  // namespace proxy
