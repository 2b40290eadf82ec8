// H2UpstreamExchange: one request to a backend and its response, on one stream of an H2UpstreamLink.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string_view>

#include "proxy/h2_body.h"
#include "proxy/upstream_exchange.h"

namespace proxy {

class H2UpstreamLink;

class H2UpstreamExchange final : public UpstreamExchange, public H2Body {
 public:
  explicit H2UpstreamExchange(std::shared_ptr<H2UpstreamLink> link);
  // RST_STREAM (CANCEL) if the exchange is not complete.
  ~H2UpstreamExchange() override;

  void send(const RequestHead& head) override;
  [[nodiscard]] BodyWriter& body_writer() override { return *this; }
  [[nodiscard]] base::Result<bool> poll_head(ResponseHead& head) override;
  [[nodiscard]] awaitable<base::Result<void>> wait_head() override;
  [[nodiscard]] BodyReader& body_reader() override { return *this; }
  [[nodiscard]] bool may_have_been_processed() const override { return sent_ && !refused_; }
  [[nodiscard]] bool reused() const override { return reused_; }
  void abort(const base::Error& error) override;

  // ---- Called by the link, from within nghttp2.
  void begin_head();
  [[nodiscard]] bool take_field(std::string_view name, std::string_view value);
  void end_head(bool end_stream);
  void take_end() { end_input(); }
  void settings_came();
  void frame_went_out(bool end_stream);
  void could_not_send(std::string_view why);
  void closed_by(std::uint32_t code);
  void lose(const base::Error& error);
  [[nodiscard]] std::int32_t id() const noexcept { return stream(); }

 private:
  void submit(const RequestHead& head);

  std::shared_ptr<H2UpstreamLink> upstream_;
  std::optional<RequestHead> held_head_;  // an upgrade that waits for the backend's SETTINGS
  std::deque<ResponseHead> heads_;        // complete, not yet read
  ResponseHead incoming_;
  std::size_t header_bytes_ = 0;
  std::string upgrade_;
  bool head_request_ = false;
  bool final_ = false;  // the final head is complete: what follows are trailers
  bool sent_ = false;
  bool refused_ = false;
  bool reused_ = false;
};

}  // namespace proxy
