#include "proxy/h2_fields.h"

#include <algorithm>
#include <charconv>

#include "base/ascii.h"

namespace proxy {
namespace {

http::field id_of(std::string_view name) {
  return http::string_to_field(boost::beast::string_view(name.data(), name.size()));
}

// Fields of a connection, not of a message, and those of the HTTP/1.1 handshake of WebSocket (RFC 8441 §5).
constexpr FieldSet http1_only{
    http::field::connection,        http::field::keep_alive,        http::field::proxy_connection,
    http::field::transfer_encoding, http::field::upgrade,           http::field::host,
    http::field::content_length,    http::field::sec_websocket_key, http::field::sec_websocket_accept,
    http::field::http2_settings};

bool parse_length(std::string_view text, std::optional<std::uint64_t>& length) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || text.empty()) return false;
  if (length && *length != value) return false;
  length = value;
  return true;
}

// Names of fields that have an id are never given up. What is another text in every message would only push out of the
// peer's dynamic table what is not (RFC 7541 §6.2.3), and be compared with in vain.
std::uint8_t flags_of(const HeaderView& field) noexcept {
  if (field.id != http::field::unknown) return NGHTTP2_NV_FLAG_NO_COPY_NAME;
  return field.name == "x-request-id" || field.name == "traceparent" ? NGHTTP2_NV_FLAG_NO_INDEX : NGHTTP2_NV_FLAG_NONE;
}

std::uint8_t* bytes_of(std::string_view text) {
  // nghttp2 takes pointers to mutable bytes and does not change them.
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

}  // namespace

void H2FieldBlock::clear() noexcept {
  fields_.clear();
}

void H2FieldBlock::add(std::string_view name, std::string_view value, std::uint8_t flags) {
  fields_.push_back({bytes_of(name), bytes_of(value), name.size(), value.size(), flags});
}

void H2FieldBlock::add_status(unsigned status) {
  status = std::clamp(status, 100U, 999U);
  const auto [end, error] = std::to_chars(status_.data(), status_.data() + status_.size(), status);
  add(":status", {status_.data(), static_cast<std::size_t>(end - status_.data())}, NGHTTP2_NV_FLAG_NO_COPY_NAME);
}

void H2FieldBlock::add_content_length(std::uint64_t length) {
  const auto [end, error] = std::to_chars(length_.data(), length_.data() + length_.size(), length);
  add("content-length", {length_.data(), static_cast<std::size_t>(end - length_.data())}, NGHTTP2_NV_FLAG_NO_COPY_NAME);
}

void H2FieldBlock::add(const HeaderList& headers) {
  for (const HeaderView field : headers) {
    if (!http1_only.has(field.id)) add(field.name, field.value, flags_of(field));
  }
}

void H2RequestFields::begin(const config::Limits& limits) {
  limits_ = limits;
  bytes_ = 0;
  count_ = 0;
  refused_ = 0;
  has_host_ = false;
  host_.clear();
  cookie_.clear();
}

void H2RequestFields::add(RequestHead& head, std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size();
  if (name.starts_with(':')) {
    if (name == ":path" ? value.size() > static_cast<std::size_t>(limits_.uri_length.value)
                        : value.size() > static_cast<std::size_t>(limits_.header_size.value)) {
      refused_ = name == ":path" ? 414 : 431;
      return;
    }
    add_pseudo(head, name, value);
    return;
  }
  ++count_;
  // Beyond the limits it is only counted.
  if (refused_ == 0 && (bytes_ > static_cast<std::size_t>(limits_.header_size.value) || too_many())) refused_ = 431;
  if (refused_ != 0) return;
  const http::field id = id_of(name);
  switch (id) {
    case http::field::host:
      // RFC 9113 §8.3.1: one field at the most, which says the same as :authority.
      if (has_host_) refused_ = 400;
      has_host_ = true;
      base::append_lower(host_, value);
      return;
    case http::field::content_length:
      if (!parse_length(value, head.content_length)) refused_ = 400;
      return;
    case http::field::cookie:
      if (!cookie_.empty()) cookie_ += "; ";
      cookie_ += value;
      return;
    case http::field::expect:
      // Between us and the client; forward decides.
      head.expects_continue = iequals(value, "100-continue");
      if (head.expects_continue) return;
      break;
    default:
      break;
  }
  head.headers.add(id, name, value);
}

void H2RequestFields::add_pseudo(RequestHead& head, std::string_view name, std::string_view value) {
  if (name == ":method") {
    head.method = value;
  } else if (name == ":path") {
    head.target = value;
  } else if (name == ":authority") {
    head.authority.clear();
    base::append_lower(head.authority, value);
  } else if (name == ":protocol") {
    head.upgrade.clear();
    base::append_lower(head.upgrade, value);
  }
}

unsigned H2RequestFields::finish(RequestHead& head, bool end_stream) {
  if (refused_ != 0) return refused_;
  if (has_host_) {
    if (head.authority.empty()) {
      head.authority = host_;
    } else if (head.authority != host_) {
      return 400;
    }
  }
  if (!cookie_.empty()) head.headers.add(http::field::cookie, cookie_);
  head.version = HttpVersion::http2;
  head.has_body = !end_stream;
  if (!head.upgrade.empty()) {
    // RFC 8441 §4: a CONNECT with :protocol. For everything behind this it is what HTTP/1.1 makes of it: a GET that
    // upgrades.
    head.method = "GET";
    head.has_body = false;
    head.content_length.reset();
  } else if (head.method == "CONNECT") {
    head.target = head.authority;
  }
  head.verb = http::string_to_verb(head.method);
  return 0;
}

bool add_response_field(ResponseHead& head, std::string_view name, std::string_view value) {
  if (name == ":status") {
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), head.status);
    return error == std::errc{} && end == value.data() + value.size() && head.status >= 100 && head.status <= 999;
  }
  const http::field id = id_of(name);
  if (id == http::field::content_length) return parse_length(value, head.content_length);
  if (!http1_only.has(id)) head.headers.add(id, name, value);
  return true;
}

void add_trailer_field(HeaderList& trailers, std::string_view name, std::string_view value) {
  const http::field id = id_of(name);
  if (name.starts_with(':') || http1_only.has(id)) return;
  trailers.add(id, name, value);
}

}  // namespace proxy
