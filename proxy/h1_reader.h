// H1Reader: the messages that arrive on one HTTP/1 connection, one after the other: head, then body, then (after an
// upgrade) raw bytes. Owns what was received and not yet used, which is nothing for an idle connection.
#pragma once

#include <optional>
#include <string>

#include "proxy/body.h"
#include "proxy/h1_parser.h"
#include "proxy/transport.h"

namespace proxy {

template <bool is_request>
class H1Reader final : public BodyReader {
 public:
  using Head = typename H1Parser<is_request>::Head;
  enum class HeadState { complete, blocked, end, failed };

  H1Reader(Worker& worker, Transport& transport) : worker_(worker), transport_(transport) {}

  // The next message will go into `head`, which is cleared and outlives the message.
  void expect(Head& head, const HeadLimits& limits);
  // The response belongs to a HEAD request: no body follows, whatever it says.
  void expect_no_body();
  // Never waits. end: the connection ended where a message could have begun. After `blocked`: wait().
  [[nodiscard]] HeadState poll_head();
  // Whether any byte of the expected message has arrived.
  [[nodiscard]] bool begun() const noexcept { return begun_; }
  // From now on the body is whatever comes, until the end of the connection.
  void become_raw() noexcept { raw_ = true; }

  [[nodiscard]] BodyPiece poll() override;
  [[nodiscard]] awaitable<base::Result<void>> wait() override;
  [[nodiscard]] base::Error error() const override { return error_; }
  [[nodiscard]] const HeaderList& trailers() const override { return trailers_; }

  // After a complete head.
  [[nodiscard]] bool keep_alive() const { return parser_->keep_alive(); }
  [[nodiscard]] bool chunked() const { return parser_->chunked(); }
  [[nodiscard]] bool upgrade() const { return parser_->upgrade(); }
  [[nodiscard]] bool until_end() const { return parser_->need_eof(); }
  [[nodiscard]] bool complete() const { return !raw_ && parser_.has_value() && parser_->is_done(); }
  [[nodiscard]] bool has_leftover() const noexcept { return !pending_.empty(); }
  // What a failed head deserves: 400, 414, 431, 501, or 0 if nothing can be answered.
  [[nodiscard]] unsigned status() const noexcept { return status_; }

 private:
  enum class Load { loaded, blocked, end, failed };
  [[nodiscard]] Load load(std::span<char>& bytes);
  void keep(std::span<const char> rest);
  // False after a fault.
  [[nodiscard]] bool feed(std::span<char>& bytes);
  [[nodiscard]] bool fits(std::span<const char> rest);
  [[nodiscard]] BodyPiece poll_raw();
  void refuse(const boost::system::error_code& error, std::string_view bytes);

  Worker& worker_;
  Transport& transport_;
  std::optional<H1Parser<is_request>> parser_;
  HeaderList trailers_;
  std::string pending_;   // received, not yet parsed
  bool stalled_ = false;  // the parser needs more than pending_
  bool begun_ = false;
  bool raw_ = false;
  unsigned status_ = 0;
  base::Error error_;
};

extern template class H1Reader<true>;
extern template class H1Reader<false>;

}  // namespace proxy
