#include "proxy/h2_session.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy/forwarding.h"
#include "proxy/worker.h"

namespace proxy {
namespace {

// Reads between two turns of the loop, so that one connection does not keep the others waiting.
constexpr int most_reads = 8;
// Frames that wait for a client that does not read; then nothing more is read from it.
constexpr std::size_t most_queued = 1000;
// Stream objects that a connection keeps when it has nothing to do.
constexpr std::size_t most_spare = 16;
constexpr std::chrono::milliseconds leave_time{1'000};
constexpr std::chrono::milliseconds close_time{1'000};
constexpr std::chrono::milliseconds linger_time{1'000};
constexpr std::array<std::uint8_t, 8> drain_ping{'d', 'r', 'a', 'i', 'n', 0, 0, 0};

base::Error gone_error() {
  return {base::Code::closed, "the client closed the connection", base::Origin::downstream};
}

}  // namespace

H2Session::H2Session(SessionContext& context)
    : H2Link(context.worker, context.transport, Side::server),
      context_(context),
      config_(context.worker.snapshot()->config),
      room_(context.worker.io()),
      header_deadline_(context.worker.deadlines(),
                       [this] {
                         count(Violation::header_timeout);
                         end_with(NGHTTP2_NO_ERROR);
                       }),
      idle_deadline_(context.worker.deadlines(), [this] { close_idle(); }),
      leave_deadline_(context.worker.deadlines(), [this] { say_last_stream(); }),
      close_deadline_(context.worker.deadlines(),
                      [this] { transport().cancel({base::Code::timeout, "the client did not close"}); }),
      unread_deadline_(context.worker.deadlines(), [this] { reset_unread(); }),
      linger_deadline_(context.worker.deadlines(), [this] { end_linger(); }) {
  set_write_timeout(config_->timeouts.write);
}

H2Session::~H2Session() = default;

awaitable<void> H2Session::run() {
  send_preface();
  context_.on_drain = [this] { leave(); };
  if (context_.draining) leave();
  for (;;) {
    const Transport::Read::Kind kind = read_some();
    start_streams();
    flush();
    if (kind == Transport::Read::Kind::end || kind == Transport::Read::Kind::failed) break;
    if (!has_room()) {
      co_await room_.wait();
    } else if (kind == Transport::Read::Kind::blocked) {
      const base::Result<void> ready = co_await transport().readable();
      if (!ready) break;
    } else {
      co_await asio::post(worker().io(), use_awaitable);
    }
  }
  context_.on_drain = nullptr;
  lose_all(transport().failed() ? transport().error() : gone_error());
  if (!transport().failed()) transport().close_write();
  if (transport().congested()) transport().cancel(gone_error());
  while (running_ > 0 || busy()) co_await quiet.wait();
}

void H2Session::send_preface() {
  const config::Limits& limits = config_->limits;
  const auto list_size = static_cast<std::uint32_t>(limits.header_size.value + 32ULL * limits.header_count);
  const std::array<nghttp2_settings_entry, 4> settings{{
      {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits.streams_per_connection},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, list_size},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},
  }};
  nghttp2_submit_settings(frames(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(frames(), NGHTTP2_FLAG_NONE, 0, connection_window);
  header_deadline_.arm(config_->timeouts.header);
}

// ---- Reading

Transport::Read::Kind H2Session::read_some() {
  for (int round = 0; round < most_reads && has_room(); ++round) {
    const Transport::Read got = transport().read(worker().read_buffer());
    if (got.kind != Transport::Read::Kind::data) return got.kind;
    if (ended_ || closing_) continue;
    if (!receive_frames(worker().read_buffer().first(got.bytes))) {
      if (too_much()) flooded();
      if (!ended_) count(Violation::protocol_h2);
      end_with(NGHTTP2_PROTOCOL_ERROR);
    }
    watch_header_block(got.bytes);
  }
  return Transport::Read::Kind::data;
}

// Before every DATA frame nghttp2 is brought up to it: it drops DATA on closed streams without a word.
bool H2Session::receive_frames(std::span<const char> bytes) {
  std::size_t given = 0;
  std::span<const char> rest = bytes;
  while (const auto head = scanner_.next(rest)) {
    if (head->type != NGHTTP2_DATA) continue;
    const std::size_t here = bytes.size() - rest.size();
    const std::size_t before = std::max(given, here - std::min(here, H2FrameScanner::head_size));
    if (before > given && !receive(bytes.subspan(given, before - given))) return false;
    given = before;
    check_stream(head->type, head->stream);
    if (ended_) return true;
  }
  return given == bytes.size() || receive(bytes.subspan(given));
}

void H2Session::watch_header_block(std::size_t bytes) {
  if (incoming_ == nullptr && !trailers_open_) {
    guard_.header_block_ended();
    if (settled_) header_deadline_.disarm();
    return;
  }
  if (!header_deadline_.armed()) header_deadline_.arm(config_->timeouts.header);
  if (!guard_.header_block(bytes, config_->limits.header_size.value)) flooded();
}

bool H2Session::has_room() const {
  if (context_.transport.failed()) return true;  // reading says so
  if (running_ > 2ULL * config_->limits.streams_per_connection) return false;
  auto* session = const_cast<H2Session*>(this)->frames();
  return !context_.transport.congested() || nghttp2_session_get_outbound_queue_size(session) < most_queued;
}

void H2Session::start_streams() {
  for (std::size_t i = 0; i < starting_.size(); ++i) {
    H2Stream& stream = *starting_[i];
    if (!stream.open() || ended_) {
      // Reset in the same breath as it was made: nobody ever saw it.
      stream.running = false;
      if (!stream.open()) recycle(stream);
      continue;
    }
    start_stream(stream);
  }
  starting_.clear();
}

void H2Session::start_stream(H2Stream& stream) {
  ++running_;
  try {
    if (auto request = Forwarding::begin(worker(), stream)) {
      auto running = request->run();
      worker().spawn("h2 stream", std::move(running), [this, &stream, request = std::move(request)]() mutable {
        request.reset();  // it refers to the stream, which may be used again from here on
        end_stream_coroutine(stream);
      });
      return;
    }
  } catch (const std::exception& escaped) {
    worker().report("h2 stream", escaped);
  }
  end_stream_coroutine(stream);
}

void H2Session::end_stream_coroutine(H2Stream& stream) {
  stream.coroutine_ended();
  --running_;
  if (!stream.open()) {
    recycle(stream);
  } else {
    // The rest of the response waits for the client to read it.
    unread_deadline_.arm(config_->timeouts.write);
  }
  if (running_ == 0) quiet.notify();
  room_.notify();
}

// ---- Streams

H2Stream& H2Session::acquire() {
  if (spare_.empty()) {
    streams_.push_back(std::make_unique<H2Stream>(*this));
    return *streams_.back();
  }
  H2Stream& stream = *spare_.back();
  spare_.pop_back();
  return stream;
}

void H2Session::recycle(H2Stream& stream) {
  spare_.push_back(&stream);
}

H2Stream* H2Session::find(std::int32_t id) {
  return static_cast<H2Stream*>(static_cast<H2Body*>(nghttp2_session_get_stream_user_data(frames(), id)));
}

// No request is open.
void H2Session::rest() {
  if (settled_ && !ended_) idle_deadline_.arm(config_->timeouts.idle);
  unread_deadline_.disarm();
}

void H2Session::reset_unread() {
  count(Violation::write_timeout);
  for (const auto& stream : streams_) {
    if (stream->open() && stream->id() > 0 && !stream->running) {
      stream->abort({base::Code::timeout, "the client does not read", base::Origin::downstream});
    }
  }
}

void H2Session::linger() {
  if (!linger_deadline_.armed()) linger_deadline_.arm(linger_time);
}

void H2Session::end_linger() {
  for (const auto& stream : streams_) {
    if (stream->open() && stream->id() > 0) stream->end_linger();
  }
  flush_soon();
}

void H2Session::lose_all(const base::Error& error) {
  for (const auto& stream : streams_) {
    if (stream->running) stream->lose(error);
  }
}

// ---- The end

void H2Session::leave() {
  if (leaving_ != Leaving::no || ended_) return;
  leaving_ = Leaving::announced;
  nghttp2_submit_shutdown_notice(frames());
  nghttp2_submit_ping(frames(), NGHTTP2_FLAG_NONE, drain_ping.data());
  leave_deadline_.arm(leave_time);
  flush_soon();
}

void H2Session::say_last_stream() {
  if (leaving_ != Leaving::announced || ended_) return;
  leaving_ = Leaving::last;
  leave_deadline_.disarm();
  nghttp2_submit_goaway(frames(), NGHTTP2_FLAG_NONE, nghttp2_session_get_last_proc_stream_id(frames()),
                        NGHTTP2_NO_ERROR, nullptr, 0);
  flush_soon();
}

void H2Session::close_idle() {
  if (open_ > 0) return;
  count(Violation::idle_timeout);
  leaving_ = Leaving::announced;
  say_last_stream();
}

void H2Session::end_with(std::uint32_t code) {
  if (std::exchange(ended_, true)) return;
  nghttp2_session_terminate_session(frames(), code);
  flush_soon();
}

void H2Session::flooded() {
  if (ended_) return;
  count(Violation::flood_h2);
  end_with(NGHTTP2_ENHANCE_YOUR_CALM);
}

void H2Session::write_timed_out() {
  count(Violation::write_timeout);
}

void H2Session::count(Violation violation) {
  worker().stats().violations[static_cast<std::size_t>(violation)].add();
}

void H2Session::flushed() {
  room_.notify();
  if (running_ == 0 && open_ == 0 && streams_.size() > most_spare && starting_.empty()) {
    streams_.clear();
    spare_.clear();
  }
  if (closing_ || transport().failed() || transport().congested()) return;
  if (nghttp2_session_want_read(frames()) != 0 || nghttp2_session_want_write(frames()) != 0) return;
  closing_ = true;
  lose_all({base::Code::closed, "the connection was ended", base::Origin::downstream});
  transport().close_write();
  // The client's own end is awaited, so that what we sent is not destroyed by a reset.
  close_deadline_.arm(close_time);
}

awaitable<void> serve_h2(SessionContext& context) {
  H2Session session(context);
  co_await session.run();
}

}  // namespace proxy
