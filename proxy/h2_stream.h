// H2Stream: one request of an HTTP/2 client and its response. Owned and used again by its H2Session; it is in use from
// the first byte of its header block until both nghttp2 and its coroutine have done with it.
#pragma once

#include "proxy/exchange.h"
#include "proxy/h2_body.h"
#include "proxy/h2_fields.h"
#include "proxy/stats.h"

namespace proxy {

class H2Session;

class H2Stream final : public Exchange, public H2Body {
 public:
  explicit H2Stream(H2Session& session);

  // ---- Exchange
  [[nodiscard]] RequestHead& request() override { return request_; }
  [[nodiscard]] const ConnectionFacts& connection() const override;
  [[nodiscard]] BodyReader& body() override { return *this; }
  void stop_body() override { stop_input(); }
  void send_informational(const ResponseHead& head) override;
  BodyWriter& respond(const ResponseHead& head) override;
  void abort(const base::Error& error) override;
  [[nodiscard]] bool gone() const override { return lost_ || (closed() && out() != Out::complete); }

  // ---- Called by the session.
  void begin(std::int32_t id, const config::Limits& limits);
  void take_field(std::string_view name, std::string_view value);
  void take_trailer(std::string_view name, std::string_view value, const config::Limits& limits);
  // The header block is complete. True: the request goes to forward. False: it has been answered here.
  [[nodiscard]] bool end_head(bool end_stream, WorkerStats& stats);
  void take_end() { end_input(); }
  // END_STREAM went out, or the coroutine has ended: RST_STREAM for what the client still wants to send.
  void response_sent();
  void coroutine_ended();
  // The client has had its time to stop by itself.
  void end_linger();
  void closed_by(std::uint32_t code) { close(code, base::Origin::downstream); }
  // The connection is no more.
  void lose(const base::Error& error);

  // Known to nghttp2; its coroutine runs or is about to.
  [[nodiscard]] bool open() const noexcept { return !closed(); }
  [[nodiscard]] std::int32_t id() const noexcept { return stream(); }
  bool running = false;

 private:
  void refuse(unsigned status);
  void stop_request();

  H2Session& session_;
  RequestHead request_;
  H2RequestFields fields_;
  std::size_t trailer_bytes_ = 0;
  bool responded_ = false;
  bool lost_ = false;
};

}  // namespace proxy
