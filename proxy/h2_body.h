// H2Body: what flows on one HTTP/2 stream, both ways, with back-pressure. What arrives is held until poll() takes it
// and is bounded by the stream's window; what is written is held until the wire and the peer's window take it, and is
// bounded because nobody writes while congested(). Belongs to an exchange; nghttp2 knows it as the stream's user data.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "proxy/body.h"
#include "proxy/event.h"

namespace proxy {

class H2Link;

class H2Body : public BodyReader, public BodyWriter {
 public:
  explicit H2Body(H2Link& link);
  ~H2Body() override;
  H2Body(const H2Body&) = delete;
  H2Body& operator=(const H2Body&) = delete;

  // ---- BodyReader, BodyWriter
  [[nodiscard]] BodyPiece poll() override;
  [[nodiscard]] awaitable<base::Result<void>> wait() override;
  [[nodiscard]] base::Error error() const override { return error_; }
  [[nodiscard]] const HeaderList& trailers() const override { return in_trailers_; }
  void write(std::span<const char> bytes) override;
  void finish(const HeaderList& trailers) override;
  void push() override;
  [[nodiscard]] bool congested() const override;
  [[nodiscard]] awaitable<base::Result<void>> drain() override;

  // ---- Called from within nghttp2.
  void received(std::span<const char> bytes);
  // The next DATA frame: how long it may be, or NGHTTP2_ERR_DEFERRED.
  [[nodiscard]] ssize_t offer(std::size_t length, std::uint32_t& flags);
  // That frame, onto the transport.
  [[nodiscard]] int send_frame(std::span<const char> head, std::size_t length);

 protected:
  enum class In : std::uint8_t { open, ended, failed };
  enum class Out : std::uint8_t { open, finished, complete, failed };

  // A new stream on a used object.
  void reset();
  void set_stream(std::int32_t id) noexcept { stream_ = id; }
  [[nodiscard]] std::int32_t stream() const noexcept { return stream_; }
  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] In in() const noexcept { return in_state_; }
  [[nodiscard]] Out out() const noexcept { return out_state_; }
  [[nodiscard]] HeaderList& in_trailers() noexcept { return in_trailers_; }

  void end_input();
  // Whether END_STREAM came.
  [[nodiscard]] bool input_ended() const noexcept { return end_received_; }
  // Nobody will read: what still comes is thrown away.
  void stop_input();
  // END_STREAM went out.
  void complete_output();
  // nghttp2 has forgotten the stream: what is not complete will not be.
  void close(std::uint32_t code, base::Origin peer);
  // Ends all waits, drops what is held. The stream itself is not touched.
  void give_up(const base::Error& error);
  // give_up, and RST_STREAM if the stream is still there.
  void reset_stream(std::uint32_t code, const base::Error& error);
  // Takes what nobody will read.
  void discard_input();

  [[nodiscard]] H2Link& link() noexcept { return link_; }
  Event readable;  // input, its end, a head, a failure
  Event writable;

 private:
  [[nodiscard]] std::size_t pending() const noexcept { return held_.size() - held_at_ + passing_.size(); }
  void resume();
  void consume(std::size_t bytes);
  void fail_input();

  H2Link& link_;
  std::int32_t stream_ = 0;
  In in_state_ = In::open;
  Out out_state_ = Out::open;
  bool closed_ = false;
  bool end_received_ = false;
  bool reset_sent_ = false;
  bool deferred_ = false;  // nghttp2 waits for resume()
  bool was_full_ = false;
  base::Error error_;
  std::string in_;     // what arrived since the last poll()
  std::string given_;  // what the last poll() gave
  HeaderList in_trailers_;
  std::string held_;  // to be sent, from held_at_
  std::size_t held_at_ = 0;
  std::span<const char> passing_;  // the caller's bytes, during write()
  HeaderList out_trailers_;
};

}  // namespace proxy
