// H1Parser: Beast's parser for the head and the framing of one HTTP/1 message; what it finds goes into our own head
// types. Input is attacker controlled.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include <boost/beast/http/basic_parser.hpp>

#include "proxy/message.h"

namespace proxy {

// Field counts and sizes of one head.
struct HeadLimits {
  unsigned header_count = 100;
  std::size_t header_size = 32 << 10;
  std::size_t target_size = 8 << 10;
};

template <bool is_request>
class H1Parser final : public http::basic_parser<is_request> {
 public:
  using Head = std::conditional_t<is_request, RequestHead, ResponseHead>;

  // `head` is filled while parsing, `trailers` after the last chunk. Both outlive the parser.
  H1Parser(Head& head, HeaderList& trailers, const HeadLimits& limits);

  // Body bytes of the last put(), moved together in its buffer (chunk framing taken out).
  [[nodiscard]] std::span<char> take_body() noexcept;

 private:
  using Base = http::basic_parser<is_request>;
  using View = boost::beast::string_view;
  void on_request_impl(http::verb verb, View method, View target, int version,
                       boost::system::error_code& error) override;
  void on_response_impl(int status, View reason, int version, boost::system::error_code& error) override;
  void on_field_impl(http::field id, View name, View value, boost::system::error_code& error) override;
  void on_header_impl(boost::system::error_code& error) override;
  void on_body_init_impl(const boost::optional<std::uint64_t>& length, boost::system::error_code& error) override;
  std::size_t on_body_impl(View body, boost::system::error_code& error) override;
  void on_chunk_header_impl(std::uint64_t size, View extensions, boost::system::error_code& error) override;
  std::size_t on_chunk_body_impl(std::uint64_t left, View body, boost::system::error_code& error) override;
  void on_finish_impl(boost::system::error_code& error) override;
  std::size_t collect(View body) noexcept;

  Head& head_;
  HeaderList& trailers_;
  HeadLimits limits_;
  bool in_trailers_ = false;
  unsigned transfer_encodings_ = 0;
  unsigned content_lengths_ = 0;
  unsigned hosts_ = 0;
  char* body_ = nullptr;
  std::size_t body_size_ = 0;
};

// Why a head was refused, as error codes of their own category; see status_for in proxy/h1_reader.h.
enum class HeadFault { target_too_long = 1, too_many_fields, fields_too_large, bad_framing, unknown_coding, bad_host };
[[nodiscard]] boost::system::error_code make_error_code(HeadFault fault) noexcept;

extern template class H1Parser<true>;
extern template class H1Parser<false>;

}  // namespace proxy
