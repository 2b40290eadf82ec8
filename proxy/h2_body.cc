#include "proxy/h2_body.h"

#include <algorithm>
#include <utility>

#include <nghttp2/nghttp2.h>

#include "proxy/h2_link.h"
#include "proxy/transport.h"
#include "proxy/worker.h"

namespace proxy {
namespace {

// A writer is stopped at the first and woken at the second.
constexpr std::size_t high_water = 64 << 10;
constexpr std::size_t low_water = 32 << 10;
// Pieces from this size on are sent from where they lie; smaller ones are collected.
constexpr std::size_t pass_from = 8 << 10;
// The transport collects smaller pieces into full records and sends larger ones on their own.
constexpr std::size_t record_piece = 8 << 10;
// What an object that waits for its next stream may keep.
constexpr std::size_t kept_capacity = 4 << 10;

void empty(std::string& buffer) {
  buffer.clear();
  if (buffer.capacity() > kept_capacity) buffer.shrink_to_fit();
}

}  // namespace

H2Body::H2Body(H2Link& link) : readable(link.worker().io()), writable(link.worker().io()), link_(link) {}

H2Body::~H2Body() = default;

void H2Body::reset() {
  stream_ = 0;
  in_state_ = In::open;
  out_state_ = Out::open;
  closed_ = end_received_ = reset_sent_ = deferred_ = was_full_ = false;
  error_ = {};
  empty(in_);
  empty(given_);
  empty(held_);
  held_at_ = 0;
  in_trailers_.clear();
  out_trailers_.clear();
}

// ---- In

void H2Body::received(std::span<const char> bytes) {
  if (in_state_ != In::open) {
    consume(bytes.size());
    return;
  }
  if (in_.empty()) readable.notify();
  in_.append(bytes.data(), bytes.size());
}

BodyPiece H2Body::poll() {
  if (in_state_ == In::failed) return {BodyPiece::Kind::failed, {}};
  if (in_.empty()) return {in_state_ == In::ended ? BodyPiece::Kind::end : BodyPiece::Kind::blocked, {}};
  given_.clear();
  std::swap(in_, given_);
  consume(given_.size());
  return {BodyPiece::Kind::data, given_};
}

awaitable<base::Result<void>> H2Body::wait() {
  while (in_state_ == In::open && in_.empty()) co_await readable.wait();
  if (in_state_ == In::failed) co_return std::unexpected(error_);
  co_return base::Result<void>{};
}

void H2Body::consume(std::size_t bytes) {
  if (bytes == 0) return;
  // Of a stream that has gone only the connection's window is left, which nghttp2 sorts out.
  nghttp2_session_consume(link_.frames(), stream_, bytes);
  if (nghttp2_session_want_write(link_.frames()) != 0) link_.flush_soon();
}

void H2Body::end_input() {
  end_received_ = true;
  if (in_state_ == In::open) in_state_ = In::ended;
  readable.notify();
}

void H2Body::stop_input() {
  if (in_state_ != In::open) {
    discard_input();
    return;
  }
  if (error_.what.empty()) error_ = {base::Code::cancelled, "nobody wants the rest of the body"};
  fail_input();
}

void H2Body::discard_input() {
  consume(in_.size());
  in_.clear();
}

void H2Body::fail_input() {
  in_state_ = In::failed;
  discard_input();
  readable.notify();
}

// ---- Out

void H2Body::resume() {
  if (!std::exchange(deferred_, false) || closed_) return;
  nghttp2_session_resume_data(link_.frames(), stream_);
}

void H2Body::write(std::span<const char> bytes) {
  if (out_state_ != Out::open || bytes.empty()) return;
  if (pending() == 0 && bytes.size() >= pass_from && link_.can_flush()) {
    passing_ = bytes;
    resume();
    link_.flush();
    bytes = std::exchange(passing_, {});
    if (bytes.empty() || out_state_ != Out::open) return;
  }
  if (held_at_ == held_.size()) {
    held_.clear();
    held_at_ = 0;
  } else if (held_at_ > high_water) {
    held_.erase(0, held_at_);
    held_at_ = 0;
  }
  held_.append(bytes.data(), bytes.size());
  was_full_ = congested();
  resume();
  link_.flush_soon();
}

void H2Body::finish(const HeaderList& trailers) {
  if (out_state_ != Out::open) return;
  out_state_ = Out::finished;
  if (!trailers.empty()) out_trailers_ = trailers;
  resume();
  link_.flush_soon();
}

void H2Body::push() {
  link_.flush_soon();
}

bool H2Body::congested() const {
  return out_state_ == Out::open && pending() >= high_water;
}

awaitable<base::Result<void>> H2Body::drain() {
  while (out_state_ == Out::open && pending() > low_water) {
    was_full_ = true;
    co_await writable.wait();
  }
  if (out_state_ == Out::failed) co_return std::unexpected(error_);
  co_return base::Result<void>{};
}

ssize_t H2Body::offer(std::size_t length, std::uint32_t& flags) {
  const std::size_t there = pending();
  if (out_state_ == Out::failed || (there == 0 && out_state_ == Out::open)) {
    deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (out_state_ == Out::finished && there <= length) {
    flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!out_trailers_.empty()) {
      flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      H2FieldBlock& fields = link_.fields();
      fields.clear();
      fields.add(out_trailers_);
      nghttp2_submit_trailer(link_.frames(), stream_, fields.data(), fields.size());
    }
  }
  return static_cast<ssize_t>(std::min(there, length));
}

int H2Body::send_frame(std::span<const char> head, std::size_t length) {
  Transport& transport = link_.transport();
  if (transport.congested()) return NGHTTP2_ERR_WOULDBLOCK;
  // Given up between the promise and the frame: the stream is reset instead.
  if (out_state_ == Out::failed || pending() < length) return NGHTTP2_ERR_TEMPORAL_CALLBACK_FAILURE;
  transport.write(head);
  while (length > 0) {
    std::span<const char> rest(held_.data() + held_at_, held_.size() - held_at_);
    const bool from_held = !rest.empty();
    if (!from_held) rest = passing_;
    const std::span<const char> piece = rest.first(std::min({rest.size(), length, record_piece}));
    transport.write(piece);
    if (from_held) {
      held_at_ += piece.size();
    } else {
      passing_ = passing_.subspan(piece.size());
    }
    length -= piece.size();
  }
  if (was_full_ && pending() <= low_water) {
    was_full_ = false;
    writable.notify();
  }
  return 0;
}

void H2Body::complete_output() {
  if (out_state_ != Out::failed) out_state_ = Out::complete;
}

// ---- The end

void H2Body::close(std::uint32_t code, base::Origin peer) {
  closed_ = true;
  if (out_state_ == Out::open || out_state_ == Out::finished) {
    out_state_ = Out::failed;
    error_ = {};  // not that of a stop_input() before
  }
  if (in_state_ == In::open) in_state_ = In::failed;
  if (in_state_ == In::failed || out_state_ == Out::failed) {
    if (error_.what.empty()) {
      error_ = {base::Code::closed, std::string("stream ended: ") + nghttp2_http2_strerror(code), peer};
    }
    held_.clear();
    held_at_ = 0;
    if (in_state_ == In::failed) discard_input();
  }
  readable.notify();
  writable.notify();
}

void H2Body::give_up(const base::Error& error) {
  if (error_.what.empty()) error_ = error;
  fail_input();
  if (out_state_ != Out::complete) out_state_ = Out::failed;
  held_.clear();
  held_at_ = 0;
  writable.notify();
}

void H2Body::reset_stream(std::uint32_t code, const base::Error& error) {
  const bool there = !closed_ && stream_ > 0 && !std::exchange(reset_sent_, true);
  give_up(error);
  if (!there) return;
  nghttp2_submit_rst_stream(link_.frames(), NGHTTP2_FLAG_NONE, stream_, code);
  link_.flush_soon();
}

}  // namespace proxy
