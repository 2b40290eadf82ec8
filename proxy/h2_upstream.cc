#include "proxy/h2_upstream.h"

#include <algorithm>
#include <array>
#include <utility>

#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "proxy/h2_upstream_exchange.h"
#include "proxy/worker.h"

namespace proxy {
namespace {

constexpr int most_reads = 8;
// RFC 9113 §6.5.2 recommends backends to allow at least this many; assumed until they say.
constexpr std::uint32_t assumed_streams = 100;
// Silence after which a connection with waiting exchanges is asked whether it lives, and given up.
constexpr std::chrono::milliseconds patience{10'000};
constexpr std::uint32_t most_header_bytes = 256 << 10;

// What the pool holds.
class H2Upstream final : public UpstreamConnection {
 public:
  explicit H2Upstream(std::shared_ptr<H2UpstreamLink> link) : link_(std::move(link)) {}
  ~H2Upstream() override { link_->release(); }
  H2Upstream(const H2Upstream&) = delete;
  H2Upstream& operator=(const H2Upstream&) = delete;

  [[nodiscard]] bool can_begin() const override { return link_->can_begin(); }
  [[nodiscard]] std::size_t running() const override { return link_->running(); }
  [[nodiscard]] bool dead() const override { return link_->over(); }
  [[nodiscard]] std::unique_ptr<UpstreamExchange> begin() override {
    return std::make_unique<H2UpstreamExchange>(link_);
  }
  void close(const base::Error& error) override { link_->close(error); }

 private:
  std::shared_ptr<H2UpstreamLink> link_;
};

}  // namespace

std::shared_ptr<UpstreamConnection> make_h2_upstream(Worker& worker, std::unique_ptr<Transport> transport,
                                                     PoolNotice notice) {
  auto link = std::make_shared<H2UpstreamLink>(worker, std::move(transport), std::move(notice));
  auto connection = std::make_shared<H2Upstream>(link);
  link->start();
  worker.spawn("h2 upstream", H2UpstreamLink::run(std::move(link)));
  return connection;
}

H2UpstreamLink::H2UpstreamLink(Worker& worker, std::unique_ptr<Transport> transport, PoolNotice notice)
    : H2Link(worker, *transport, Side::client),
      owned_(std::move(transport)),
      notice_(std::move(notice)),
      scheme_(dynamic_cast<PlainTransport*>(owned_.get()) != nullptr ? "http" : "https"),
      life_(worker.deadlines(), [this] { check_life(); }) {}

H2UpstreamLink::~H2UpstreamLink() = default;

void H2UpstreamLink::start() {
  const std::array<nghttp2_settings_entry, 3> settings{{
      {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, stream_window},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, most_header_bytes},
  }};
  nghttp2_submit_settings(frames(), NGHTTP2_FLAG_NONE, settings.data(), settings.size());
  nghttp2_session_set_local_window_size(frames(), NGHTTP2_FLAG_NONE, 0, connection_window);
  flush_soon();
}

awaitable<void> H2UpstreamLink::run(std::shared_ptr<H2UpstreamLink> self) {
  for (;;) {
    Transport::Read::Kind kind{};
    if (!self->read_some(kind)) break;
    self->flush();
    if (std::exchange(self->changed_, false)) self->tell_pool();
    if (kind == Transport::Read::Kind::blocked) {
      const base::Result<void> ready = co_await self->transport().readable();
      if (!ready) break;
    } else {
      co_await asio::post(self->worker().io(), use_awaitable);
    }
  }
  base::Error error{base::Code::closed, "the backend closed the connection", base::Origin::upstream,
                    base::Retry::fresh_connection};
  if (self->transport().failed()) {
    error = self->transport().error();
    error.origin = base::Origin::upstream;
  }
  self->close(error);
  while (self->busy()) co_await self->quiet.wait();
}

bool H2UpstreamLink::read_some(Transport::Read::Kind& kind) {
  for (int round = 0; round < most_reads; ++round) {
    const Transport::Read got = transport().read(worker().read_buffer());
    kind = got.kind;
    if (kind == Transport::Read::Kind::blocked) return true;
    if (kind != Transport::Read::Kind::data) return false;
    pinged_ = false;
    watch();
    if (!receive(worker().read_buffer().first(got.bytes))) {
      transport().cancel({base::Code::protocol, "the backend broke HTTP/2", base::Origin::upstream});
      return false;
    }
  }
  return true;
}

// ---- Life

bool H2UpstreamLink::can_begin() const {
  if (closed_ || leaving_ || released_) return false;
  auto* session = const_cast<H2UpstreamLink*>(this)->frames();
  if (nghttp2_session_check_request_allowed(session) == 0) return false;
  std::uint32_t most = nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  if (!settled_) most = std::min(most, assumed_streams);
  return exchanges_.size() < most;
}

bool H2UpstreamLink::over() const {
  if (closed_) return true;
  auto* session = const_cast<H2UpstreamLink*>(this)->frames();
  return exchanges_.empty() && (leaving_ || nghttp2_session_check_request_allowed(session) == 0);
}

void H2UpstreamLink::watch() {
  if (exchanges_.empty()) {
    life_.disarm();
  } else {
    life_.arm(patience);
  }
}

void H2UpstreamLink::check_life() {
  if (exchanges_.empty() || closed_) return;
  if (pinged_) {
    transport().cancel({base::Code::timeout, "the backend does not answer a PING", base::Origin::upstream,
                        base::Retry::fresh_connection});
    return;
  }
  pinged_ = true;
  nghttp2_submit_ping(frames(), NGHTTP2_FLAG_NONE, nullptr);
  flush_soon();
  life_.arm(patience);
}

void H2UpstreamLink::exit(H2UpstreamExchange& exchange) {
  std::erase(exchanges_, &exchange);
  if (exchanges_.empty()) life_.disarm();
  if (released_ && exchanges_.empty()) {
    close({base::Code::cancelled, "no longer used", base::Origin::internal});
  } else if (leaving_) {
    flush_soon();
  }
  tell_pool();
}

void H2UpstreamLink::release() {
  released_ = true;
  notice_ = nullptr;
  if (exchanges_.empty()) close({base::Code::cancelled, "no longer used", base::Origin::internal});
}

void H2UpstreamLink::close(const base::Error& error) {
  if (std::exchange(closed_, true)) return;
  life_.disarm();
  fail_all(error);
  if (!transport().failed()) {
    nghttp2_session_terminate_session(frames(), NGHTTP2_NO_ERROR);
    flush();
    transport().close_write();
  }
  transport().cancel(error);
  tell_pool();
}

void H2UpstreamLink::fail_all(const base::Error& error) {
  for (H2UpstreamExchange* exchange : exchanges_) exchange->lose(error);
}

void H2UpstreamLink::tell_pool() {
  if (notice_) notice_();
}

void H2UpstreamLink::flushed() {
  if (closed_ || transport().failed() || transport().congested()) return;
  if (nghttp2_session_want_read(frames()) != 0 || nghttp2_session_want_write(frames()) != 0) return;
  // Both sides have said goodbye, or the backend broke the protocol and was told.
  transport().cancel(
      {base::Code::closed, "the connection was ended", base::Origin::upstream, base::Retry::fresh_connection});
}

// ---- From within nghttp2

H2UpstreamExchange* H2UpstreamLink::find(std::int32_t id) {
  return static_cast<H2UpstreamExchange*>(static_cast<H2Body*>(nghttp2_session_get_stream_user_data(frames(), id)));
}

void H2UpstreamLink::begin_headers(const nghttp2_frame& frame) {
  if (H2UpstreamExchange* exchange = find(frame.hd.stream_id)) exchange->begin_head();
}

bool H2UpstreamLink::take_header(const nghttp2_frame& frame, std::string_view name, std::string_view value) {
  H2UpstreamExchange* exchange = find(frame.hd.stream_id);
  return exchange == nullptr || exchange->take_field(name, value);
}

void H2UpstreamLink::take_frame(const nghttp2_frame& frame) {
  const bool end_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      if (H2UpstreamExchange* exchange = find(frame.hd.stream_id)) exchange->end_head(end_stream);
      break;
    case NGHTTP2_DATA:
      if (!end_stream) break;
      if (H2UpstreamExchange* exchange = find(frame.hd.stream_id)) exchange->take_end();
      break;
    case NGHTTP2_SETTINGS:
      if ((frame.hd.flags & NGHTTP2_FLAG_ACK) != 0) break;
      settled_ = true;
      changed_ = true;
      for (H2UpstreamExchange* exchange : exchanges_) exchange->settings_came();
      break;
    case NGHTTP2_GOAWAY:
      leaving_ = true;
      changed_ = true;
      break;
    default:
      break;
  }
}

void H2UpstreamLink::frame_sent(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS && frame.hd.type != NGHTTP2_DATA) return;
  H2UpstreamExchange* exchange = find(frame.hd.stream_id);
  if (exchange == nullptr) return;
  exchange->frame_went_out((frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0);
}

void H2UpstreamLink::frame_not_sent(const nghttp2_frame& frame, int error) {
  if (frame.hd.type != NGHTTP2_HEADERS) return;
  // A request that never left: nghttp2 may know no stream for it.
  const auto of_stream = [&](H2UpstreamExchange* exchange) { return exchange->id() == frame.hd.stream_id; };
  const auto found = std::ranges::find_if(exchanges_, of_stream);
  if (found != exchanges_.end()) (*found)->could_not_send(nghttp2_strerror(error));
}

void H2UpstreamLink::stream_closed(std::int32_t, H2Body* body, std::uint32_t code) {
  if (auto* exchange = static_cast<H2UpstreamExchange*>(body)) exchange->closed_by(code);
}

}  // namespace proxy
