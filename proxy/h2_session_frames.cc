// What nghttp2 tells the session about its frames. No coroutine runs on from in here, and nothing is sent.
#include <utility>

#include "proxy/h2_session.h"
#include "proxy/worker.h"

namespace proxy {

void H2Session::begin_headers(const nghttp2_frame& frame) {
  if (frame.headers.cat != NGHTTP2_HCAT_REQUEST) {
    trailers_open_ = true;
    return;
  }
  H2Stream& stream = acquire();
  stream.begin(frame.hd.stream_id, worker().snapshot()->config->limits);
  nghttp2_session_set_stream_user_data(frames(), frame.hd.stream_id, static_cast<H2Body*>(&stream));
  incoming_ = &stream;
  if (open_++ == 0) idle_deadline_.disarm();
}

bool H2Session::take_header(const nghttp2_frame& frame, std::string_view name, std::string_view value) {
  if (incoming_ != nullptr) {
    incoming_->take_field(name, value);
  } else if (H2Stream* stream = find(frame.hd.stream_id)) {
    stream->take_trailer(name, value, config_->limits);
  }
  return true;
}

void H2Session::begin_frame(const nghttp2_frame_hd& head) {
  if (ended_) return;
  const std::uint64_t tick = worker().deadlines().now_tick();
  bool bearable = true;
  broken_ = false;
  if (head.type != NGHTTP2_CONTINUATION) {
    // A header block that was given up in the middle has no end of its own.
    incoming_ = nullptr;
    trailers_open_ = false;
  }
  switch (head.type) {
    case NGHTTP2_HEADERS:
      check_stream(head.type, head.stream_id);
      break;
    case NGHTTP2_DATA:
      if (head.length == 0 && (head.flags & NGHTTP2_FLAG_END_STREAM) == 0) bearable = guard_.idle_frame(tick);
      break;
    case NGHTTP2_RST_STREAM:
      bearable = guard_.reset(tick);
      break;
    case NGHTTP2_WINDOW_UPDATE:
      bearable = guard_.window_update(tick);
      break;
    default:
      if ((head.flags & NGHTTP2_FLAG_ACK) == 0) bearable = guard_.idle_frame(tick);
      break;
  }
  if (!bearable) flooded();
}

// nghttp2 ignores what comes on closed streams. RFC 9113 §5.1 wants that only where we closed them.
void H2Session::check_stream(std::uint8_t type, std::int32_t id) {
  if (type == NGHTTP2_HEADERS && id > newest_) {
    newest_ = id;
    return;
  }
  // Newer than all: nghttp2 knows that it is idle. After the last GOAWAY streams are ignored without a trace.
  if (id > newest_ || id % 2 == 0 || leaving_ == Leaving::last) return;
  if (find(id) != nullptr) return;
  switch (ended_streams_.find(id)) {
    case H2ClosedStreams::How::unknown:
    case H2ClosedStreams::How::reset_by_us:
      return;
    case H2ClosedStreams::How::ended:
      count(Violation::protocol_h2);
      end_with(NGHTTP2_STREAM_CLOSED);
      return;
    case H2ClosedStreams::How::never_opened:
      count(Violation::protocol_h2);
      end_with(NGHTTP2_PROTOCOL_ERROR);
      return;
  }
}

void H2Session::take_frame(const nghttp2_frame& frame) {
  const bool end_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      trailers_open_ = false;
      if (frame.headers.cat == NGHTTP2_HCAT_REQUEST && incoming_ != nullptr) {
        end_request_head(*std::exchange(incoming_, nullptr), end_stream);
        break;
      }
      [[fallthrough]];
    case NGHTTP2_DATA:
      if (!end_stream) {
        if (frame.hd.type == NGHTTP2_DATA) watch_padding(frame.hd.length, frame.data.padlen);
        break;
      }
      if (H2Stream* stream = find(frame.hd.stream_id)) stream->take_end();
      break;
    case NGHTTP2_SETTINGS:
      if (std::exchange(settled_, true)) break;
      header_deadline_.disarm();
      rest();
      break;
    case NGHTTP2_PING:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) say_last_stream();
      break;
    default:
      break;
  }
}

// DATA that is nothing but padding; begin_frame() has counted those without even that.
void H2Session::watch_padding(std::size_t length, std::size_t padding) {
  const bool nothing_else = length > 0 && length <= padding;
  if (nothing_else && !ended_ && !guard_.idle_frame(worker().deadlines().now_tick())) flooded();
}

void H2Session::end_request_head(H2Stream& stream, bool end_stream) {
  const config::Limits& limits = worker().snapshot()->config->limits;
  ++requests_;
  if (stream.end_head(end_stream, worker().stats())) {
    stream.running = true;
    starting_.push_back(&stream);
  }
  if (limits.requests_per_connection != 0 && requests_ >= limits.requests_per_connection && leaving_ == Leaving::no) {
    leaving_ = Leaving::announced;
    say_last_stream();
  }
}

void H2Session::broken_frame() {
  count(Violation::protocol_h2);
  broken_ = true;
  incoming_ = nullptr;
  trailers_open_ = false;
}

// nghttp2 ends the session by itself where a frame cannot even be read (RFC 9113 §5.4.1), and tells nobody but the
// client.
void H2Session::goaway_sent(std::uint32_t code) {
  if (code == NGHTTP2_NO_ERROR || std::exchange(ended_, true)) return;
  if (!broken_) count(code == NGHTTP2_ENHANCE_YOUR_CALM ? Violation::flood_h2 : Violation::protocol_h2);
  header_deadline_.disarm();
}

void H2Session::frame_sent(const nghttp2_frame& frame) {
  switch (frame.hd.type) {
    case NGHTTP2_GOAWAY:
      goaway_sent(frame.goaway.error_code);
      break;
    case NGHTTP2_DATA:
      guard_.data_sent();
      if (unread_deadline_.armed()) unread_deadline_.arm(config_->timeouts.write);
      [[fallthrough]];
    case NGHTTP2_HEADERS:
      if ((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) == 0) break;
      if (H2Stream* stream = find(frame.hd.stream_id)) stream->response_sent();
      break;
    case NGHTTP2_RST_STREAM:
      ended_streams_.add(frame.hd.stream_id, H2ClosedStreams::How::reset_by_us);
      // Made to reset by broken frames, again and again: as costly as resets by the client itself.
      if (frame.rst_stream.error_code != NGHTTP2_NO_ERROR && frame.rst_stream.error_code != NGHTTP2_INTERNAL_ERROR &&
          frame.rst_stream.error_code != NGHTTP2_CANCEL && !ended_ && !guard_.reset(worker().deadlines().now_tick())) {
        flooded();
      }
      break;
    default:
      break;
  }
}

void H2Session::frame_not_sent(const nghttp2_frame& frame, int error) {
  if (frame.hd.type != NGHTTP2_HEADERS) return;
  // A response head that cannot be sent (larger than any client takes).
  if (H2Stream* stream = find(frame.hd.stream_id)) {
    stream->abort({base::Code::too_large, nghttp2_strerror(error), base::Origin::upstream});
  }
}

void H2Session::stream_closed(std::int32_t id, H2Body* body, std::uint32_t code) {
  ended_streams_.add(id, H2ClosedStreams::How::ended);
  auto* stream = static_cast<H2Stream*>(body);
  if (stream == nullptr) return;
  if (incoming_ == stream) incoming_ = nullptr;
  stream->closed_by(code);
  if (!stream->running) recycle(*stream);
  if (--open_ == 0) rest();
}

}  // namespace proxy
