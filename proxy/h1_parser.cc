#include "proxy/h1_parser.h"

#include <charconv>
#include <cstring>

namespace proxy {
namespace {

std::string_view std_view(boost::beast::string_view text) {
  return {text.data(), text.size()};
}

// Boost's category has no virtual destructor by design: categories are never deleted.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wnon-virtual-dtor"
class FaultCategory final : public boost::system::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "http head"; }
  [[nodiscard]] std::string message(int value) const override {
    switch (static_cast<HeadFault>(value)) {
      case HeadFault::target_too_long:
        return "the target is too long";
      case HeadFault::too_many_fields:
        return "too many header fields";
      case HeadFault::fields_too_large:
        return "the header fields are too large";
      case HeadFault::bad_framing:
        return "contradicting message framing";
      case HeadFault::unknown_coding:
        return "a transfer coding other than chunked";
      case HeadFault::bad_host:
        return "not exactly one Host field";
    }
    return "bad head";
  }
};
#pragma GCC diagnostic pop

}  // namespace

boost::system::error_code make_error_code(HeadFault fault) noexcept {
  static const FaultCategory category;
  return {static_cast<int>(fault), category};
}

template <bool is_request>
H1Parser<is_request>::H1Parser(Head& head, HeaderList& trailers, const HeadLimits& limits)
    : head_(head), trailers_(trailers), limits_(limits) {
  Base::eager(false);  // the head alone; its reader turns it on for the body
  Base::header_limit(static_cast<std::uint32_t>(limits.header_size + limits.target_size + 4096));
  Base::body_limit(boost::none);
}

template <bool is_request>
std::span<char> H1Parser<is_request>::take_body() noexcept {
  const std::span<char> body(body_, body_size_);
  body_ = nullptr;
  body_size_ = 0;
  return body;
}

template <bool is_request>
void H1Parser<is_request>::on_request_impl(http::verb verb, View method, View target, int version,
                                           boost::system::error_code& error) {
  if constexpr (is_request) {
    if (target.size() > limits_.target_size) {
      error = make_error_code(HeadFault::target_too_long);
      return;
    }
    head_.verb = verb;
    head_.method.assign(method.data(), method.size());
    head_.target.assign(target.data(), target.size());
    head_.version = version == 10 ? HttpVersion::http10 : HttpVersion::http11;
  }
}

template <bool is_request>
void H1Parser<is_request>::on_response_impl(int status, View, int, boost::system::error_code&) {
  if constexpr (!is_request) head_.status = static_cast<unsigned>(status);
}

template <bool is_request>
void H1Parser<is_request>::on_field_impl(http::field id, View name, View value, boost::system::error_code& error) {
  HeaderList& list = in_trailers_ ? trailers_ : head_.headers;
  if (list.size() >= limits_.header_count) {
    error = make_error_code(HeadFault::too_many_fields);
    return;
  }
  if (list.bytes() + name.size() + value.size() > limits_.header_size) {
    error = make_error_code(HeadFault::fields_too_large);
    return;
  }
  if (in_trailers_) {
    // RFC 9110 §6.5.1: a trailer must not change framing or routing after the fact.
    if (id == http::field::content_length || id == http::field::transfer_encoding || id == http::field::host) return;
    list.add(id, std_view(name), std_view(value));
    return;
  }
  switch (id) {
    case http::field::content_length:
      ++content_lengths_;
      return;
    case http::field::transfer_encoding:
      ++transfer_encodings_;
      if (!iequals(trim(std_view(value)), "chunked")) error = make_error_code(HeadFault::unknown_coding);
      return;
    case http::field::host:
      if constexpr (is_request) {
        if (++hosts_ > 1) error = make_error_code(HeadFault::bad_host);
        head_.authority.assign(value.data(), value.size());
        return;
      }
      break;
    default:
      break;
  }
  list.add(id, std_view(name), std_view(value));
}

template <bool is_request>
void H1Parser<is_request>::on_header_impl(boost::system::error_code& error) {
  // RFC 9112 §6.3: what could be read in two ways is refused, not repaired.
  if (transfer_encodings_ > 1 || content_lengths_ > 1 || (transfer_encodings_ > 0 && content_lengths_ > 0)) {
    error = make_error_code(HeadFault::bad_framing);
    return;
  }
  if (const auto length = Base::content_length()) head_.content_length = *length;
  if constexpr (is_request) {
    if (head_.version == HttpVersion::http10 && transfer_encodings_ > 0) {
      error = make_error_code(HeadFault::bad_framing);
      return;
    }
    // RFC 9112 §3.2: exactly one in HTTP/1.1.
    if (hosts_ == 0 && head_.version == HttpVersion::http11) {
      error = make_error_code(HeadFault::bad_host);
      return;
    }
    head_.has_body = Base::chunked() || head_.content_length.value_or(0) > 0;
  }
}

template <bool is_request>
void H1Parser<is_request>::on_body_init_impl(const boost::optional<std::uint64_t>&, boost::system::error_code&) {}

template <bool is_request>
std::size_t H1Parser<is_request>::collect(View body) noexcept {
  // The parser lent us a view into the buffer of the caller of put(), which is writable and lies behind the parser.
  auto* bytes = const_cast<char*>(body.data());
  if (body_ == nullptr) {
    body_ = bytes;
  } else if (body_ + body_size_ != bytes) {
    std::memmove(body_ + body_size_, bytes, body.size());
  }
  body_size_ += body.size();
  return body.size();
}

template <bool is_request>
std::size_t H1Parser<is_request>::on_body_impl(View body, boost::system::error_code&) {
  return collect(body);
}

template <bool is_request>
void H1Parser<is_request>::on_chunk_header_impl(std::uint64_t size, View, boost::system::error_code&) {
  if (size == 0) in_trailers_ = true;
}

template <bool is_request>
std::size_t H1Parser<is_request>::on_chunk_body_impl(std::uint64_t, View body, boost::system::error_code&) {
  return collect(body);
}

template <bool is_request>
void H1Parser<is_request>::on_finish_impl(boost::system::error_code&) {}

template class H1Parser<true>;
template class H1Parser<false>;

}  // namespace proxy
