// H2Session: serves one client connection that speaks HTTP/2 (RFC 9113, RFC 8441). Lives in the frame of serve_h2 and
// on its worker's thread. One coroutine reads; every request runs in a coroutine of its own; what they have to say is
// sent together. All that the client sends is attacker controlled: limits of the configuration, and H2FloodGuard, bound
// what it can cost.
#pragma once

#include <memory>
#include <vector>

#include "config/config.h"
#include "proxy/deadline.h"
#include "proxy/h2_budget.h"
#include "proxy/h2_closed_streams.h"
#include "proxy/h2_frame_scanner.h"
#include "proxy/h2_link.h"
#include "proxy/h2_stream.h"
#include "proxy/session.h"
#include "proxy/transport.h"

namespace proxy {

class Forwarding;

class H2Session final : public H2Link {
 public:
  explicit H2Session(SessionContext& context);
  ~H2Session() override;

  // Until the connection has ended and no coroutine of it runs any more.
  [[nodiscard]] awaitable<void> run();
  [[nodiscard]] const ConnectionFacts& facts() const noexcept { return context_.facts; }

  // A response is complete, its request is not: what the client still sends is stopped in a while.
  void linger();

 private:
  // GOAWAY in two steps (RFC 9113 §6.8): none -> announced (any stream may still come) -> last (the last one is known).
  enum class Leaving : std::uint8_t { no, announced, last };

  void begin_headers(const nghttp2_frame& frame) override;
  bool take_header(const nghttp2_frame& frame, std::string_view name, std::string_view value) override;
  void begin_frame(const nghttp2_frame_hd& head) override;
  void take_frame(const nghttp2_frame& frame) override;
  void broken_frame() override;
  void frame_sent(const nghttp2_frame& frame) override;
  void frame_not_sent(const nghttp2_frame& frame, int error) override;
  void stream_closed(std::int32_t id, H2Body* body, std::uint32_t code) override;
  void flushed() override;
  void write_timed_out() override;

  void send_preface();
  void end_request_head(H2Stream& stream, bool end_stream);
  Transport::Read::Kind read_some();
  void watch_header_block(std::size_t bytes);
  void start_streams();
  void start_stream(H2Stream& stream);
  void end_stream_coroutine(H2Stream& stream);
  // Whether more may be read: not while the client owes us reading, or makes requests faster than they can be given up.
  [[nodiscard]] bool has_room() const;

  [[nodiscard]] bool receive_frames(std::span<const char> bytes);
  void check_stream(std::uint8_t type, std::int32_t id);
  void watch_padding(std::size_t length, std::size_t padding);
  void leave();
  void say_last_stream();
  void end_with(std::uint32_t code);
  void goaway_sent(std::uint32_t code);
  void flooded();
  void count(Violation violation);
  void lose_all(const base::Error& error);
  void close_idle();
  void reset_unread();
  void end_linger();
  void rest();

  H2Stream& acquire();
  void recycle(H2Stream& stream);
  [[nodiscard]] H2Stream* find(std::int32_t id);

  SessionContext& context_;
  std::shared_ptr<const config::Config> config_;  // as it was when the connection began, for the session's own settings
  H2FloodGuard guard_;
  H2FrameScanner scanner_;
  H2ClosedStreams ended_streams_;
  std::int32_t newest_ = 0;  // stream of the client
  std::vector<std::unique_ptr<H2Stream>> streams_;
  std::vector<H2Stream*> spare_;
  std::vector<H2Stream*> starting_;  // complete heads, taken from nghttp2 in this round
  H2Stream* incoming_ = nullptr;     // its header block is open
  bool trailers_open_ = false;
  std::size_t open_ = 0;     // known to nghttp2
  std::size_t running_ = 0;  // coroutines
  std::uint64_t requests_ = 0;
  Leaving leaving_ = Leaving::no;
  bool settled_ = false;  // the client's SETTINGS came
  bool ended_ = false;    // GOAWAY with an error: nothing is read any more
  bool broken_ = false;   // the frame that came last, and it has been counted
  bool closing_ = false;  // all was sent; the client's FIN is awaited
  Event room_;
  Deadline header_deadline_, idle_deadline_, leave_deadline_, close_deadline_, unread_deadline_, linger_deadline_;
};

}  // namespace proxy
