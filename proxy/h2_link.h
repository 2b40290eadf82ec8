// H2Link: the frames of one HTTP/2 connection, whichever side of it we are. Owns the nghttp2 session, decides when to
// send, and sends as much at once as there is: what many streams have to say goes out together. One thread: that of the
// worker.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include <nghttp2/nghttp2.h>

#include "proxy/asio.h"
#include "proxy/deadline.h"
#include "proxy/event.h"
#include "proxy/h2_fields.h"

namespace proxy {

class H2Body;
class Transport;
class Worker;

class H2Link {
 public:
  enum class Side : std::uint8_t { server, client };
  // What a stream may send us before we take it, and all streams together.
  static constexpr std::int32_t stream_window = 64 << 10;
  static constexpr std::int32_t connection_window = 1 << 20;

  H2Link(Worker& worker, Transport& transport, Side side);
  virtual ~H2Link();
  H2Link(const H2Link&) = delete;
  H2Link& operator=(const H2Link&) = delete;

  [[nodiscard]] Worker& worker() noexcept { return worker_; }
  [[nodiscard]] Transport& transport() noexcept { return transport_; }
  [[nodiscard]] nghttp2_session* frames() noexcept { return session_.get(); }
  // Header blocks are built in it and submitted at once.
  [[nodiscard]] H2FieldBlock& fields() noexcept { return fields_; }

  // There is something to send: it goes out when the event loop comes round, with what others add until then.
  void flush_soon();
  // Sends now. From a callback of nghttp2 it is a flush_soon().
  void flush();
  // Whether flush() would send at once.
  [[nodiscard]] bool can_flush() const;

 protected:
  // How long the peer may leave what was sent to it unread.
  void set_write_timeout(std::chrono::milliseconds timeout) { write_timeout_ = timeout; }
  // Gives nghttp2 what was read. False: the session cannot go on.
  [[nodiscard]] bool receive(std::span<const char> bytes);
  // After receive() said no: because there was too much of something, not because it was wrong.
  [[nodiscard]] bool too_much() const noexcept { return too_much_; }
  // Whether coroutines or posted handlers of the link still refer to it; when that ends, `quiet` is notified.
  [[nodiscard]] bool busy() const noexcept { return busy_ > 0; }
  Event quiet;

  // ---- Called from within nghttp2: no coroutine runs on, nothing is sent.
  virtual void begin_headers(const nghttp2_frame& frame) = 0;
  // False resets the stream.
  virtual bool take_header(const nghttp2_frame& frame, std::string_view name, std::string_view value) = 0;
  virtual void begin_frame(const nghttp2_frame_hd& head) = 0;
  virtual void take_frame(const nghttp2_frame& frame) = 0;
  virtual void broken_frame() = 0;
  virtual void frame_sent(const nghttp2_frame& frame) = 0;
  virtual void frame_not_sent(const nghttp2_frame& frame, int error) = 0;
  virtual void stream_closed(std::int32_t id, H2Body* body, std::uint32_t code) = 0;
  // ---- Called when all that could be sent was sent.
  virtual void flushed() = 0;
  // The peer does not read.
  virtual void write_timed_out() {}

 private:
  friend struct H2Callbacks;
  awaitable<void> send_rest();
  void send_frames();
  void release();

  Worker& worker_;
  Transport& transport_;
  struct Free {
    void operator()(nghttp2_session* session) const noexcept { nghttp2_session_del(session); }
  };
  std::unique_ptr<nghttp2_session, Free> session_;
  H2FieldBlock fields_;
  Deadline write_deadline_;
  std::chrono::milliseconds write_timeout_{60'000};
  unsigned busy_ = 0;
  bool posted_ = false;
  bool too_much_ = false;
  bool inside_ = false;   // of nghttp2
  bool waiting_ = false;  // send_rest() runs
};

}  // namespace proxy
