#include "proxy/h1_reader.h"

#include <algorithm>
#include <cstring>

#include <boost/asio/buffer.hpp>

#include "proxy/at_once.h"
#include "proxy/worker.h"

namespace proxy {
namespace {

// Whether what begins with a broken request line is a request of another HTTP version, and not a line with a space too
// many or without its CR, which the parser calls by the same name. RFC 9112 §3.
bool is_other_version(std::string_view bytes) {
  const std::string_view line = bytes.substr(0, bytes.find('\r'));
  if (std::ranges::count(line, ' ') != 2 || line.find('\n') != std::string_view::npos) return false;
  const std::string_view version = line.substr(line.rfind(' ') + 1);
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  return version.size() == 8 && version.starts_with("HTTP/") && is_digit(version[5]) && version[6] == '.' &&
         is_digit(version[7]);
}

unsigned status_for(const boost::system::error_code& error, std::string_view bytes) {
  if (error == make_error_code(HeadFault::target_too_long)) return 414;
  if (error == make_error_code(HeadFault::too_many_fields) || error == make_error_code(HeadFault::fields_too_large) ||
      error == http::error::header_limit) {
    return 431;
  }
  if (error == make_error_code(HeadFault::unknown_coding)) return 501;
  if (error == http::error::bad_version && is_other_version(bytes)) return 505;
  return 400;
}

}  // namespace

template <bool is_request>
void H1Reader<is_request>::expect(Head& head, const HeadLimits& limits) {
  head.clear();
  trailers_.clear();
  parser_.emplace(head, trailers_, limits);
  begun_ = !pending_.empty();
  stalled_ = false;
  raw_ = false;
  status_ = 0;
}

template <bool is_request>
void H1Reader<is_request>::expect_no_body() {
  if constexpr (!is_request) parser_->skip(true);
}

template <bool is_request>
auto H1Reader<is_request>::load(std::span<char>& bytes) -> Load {
  const std::span<char> buffer = worker_.read_buffer();
  const std::size_t kept = pending_.size();
  std::memcpy(buffer.data(), pending_.data(), kept);
  if (kept > 0 && !stalled_) {
    pending_.clear();
    bytes = buffer.first(kept);
    return Load::loaded;
  }
  const Transport::Read read = transport_.read(buffer.subspan(kept));
  switch (read.kind) {
    case Transport::Read::Kind::blocked:
      return Load::blocked;
    case Transport::Read::Kind::end:
      return Load::end;
    case Transport::Read::Kind::failed:
      return Load::failed;
    case Transport::Read::Kind::data:
      break;
  }
  pending_.clear();
  stalled_ = false;
  begun_ = true;
  bytes = buffer.first(kept + read.bytes);
  return Load::loaded;
}

template <bool is_request>
void H1Reader<is_request>::keep(std::span<const char> rest) {
  // An idle connection of a client owns nothing; to backends there are few, and used all the time.
  if (rest.empty() && pending_.capacity() > (is_request ? 256 : 4096)) {
    pending_ = std::string();
  } else {
    pending_.assign(rest.data(), rest.size());
  }
}

template <bool is_request>
bool H1Reader<is_request>::feed(std::span<char>& bytes) {
  boost::system::error_code error;
  const std::size_t used = parser_->put(asio::const_buffer(bytes.data(), bytes.size()), error);
  if (error && error != http::error::need_more) {
    refuse(error, std::string_view(bytes.data(), bytes.size()));
    return false;
  }
  bytes = bytes.subspan(used);
  stalled_ = stalled_ || error;
  return true;
}

// What the parser has left because it needs more must leave room for more: without it no read could ever help.
template <bool is_request>
bool H1Reader<is_request>::fits(std::span<const char> rest) {
  if (rest.size() < worker_.read_buffer().size() - 1) return true;
  refuse(make_error_code(HeadFault::fields_too_large), {});
  return false;
}

template <bool is_request>
void H1Reader<is_request>::refuse(const boost::system::error_code& error, std::string_view bytes) {
  status_ = status_for(error, bytes);
  error_ = {base::Code::protocol, error.message(), is_request ? base::Origin::downstream : base::Origin::upstream};
}

template <bool is_request>
auto H1Reader<is_request>::poll_head() -> HeadState {
  for (;;) {
    std::span<char> bytes;
    switch (load(bytes)) {
      case Load::blocked:
        return HeadState::blocked;
      case Load::failed:
        error_ = transport_.error();
        return HeadState::failed;
      case Load::end:
        if (!begun_) return HeadState::end;
        error_ = {base::Code::closed, "the connection ended within a message head"};
        return HeadState::failed;
      case Load::loaded:
        break;
    }
    // RFC 9112 §2.2: an empty line before a request is ignored.
    if constexpr (is_request) {
      while (!parser_->got_some() && !bytes.empty() && (bytes[0] == '\r' || bytes[0] == '\n')) bytes = bytes.subspan(1);
      if (bytes.empty()) {
        begun_ = false;
        continue;
      }
    }
    const bool good = feed(bytes);
    if (!good) return HeadState::failed;
    if (parser_->is_header_done()) {
      stalled_ = false;
      parser_->eager(true);
      keep(bytes);
      return HeadState::complete;
    }
    if (!fits(bytes)) return HeadState::failed;
    keep(bytes);
  }
}

template <bool is_request>
BodyPiece H1Reader<is_request>::poll_raw() {
  using Kind = BodyPiece::Kind;
  stalled_ = false;
  std::span<char> bytes;
  switch (load(bytes)) {
    case Load::blocked:
      return {Kind::blocked, {}};
    case Load::end:
      return {Kind::end, {}};
    case Load::failed:
      error_ = transport_.error();
      return {Kind::failed, {}};
    case Load::loaded:
      break;
  }
  return {Kind::data, bytes};
}

template <bool is_request>
BodyPiece H1Reader<is_request>::poll() {
  using Kind = BodyPiece::Kind;
  if (raw_) return poll_raw();
  if (status_ != 0) return {Kind::failed, {}};
  for (;;) {
    if (parser_->is_done()) return {Kind::end, {}};
    std::span<char> bytes;
    switch (load(bytes)) {
      case Load::blocked:
        return {Kind::blocked, {}};
      case Load::failed:
        error_ = transport_.error();
        return {Kind::failed, {}};
      case Load::end: {
        boost::system::error_code error;
        parser_->put_eof(error);
        if (!error) return {Kind::end, {}};
        error_ = {base::Code::closed, "the connection ended within a message body"};
        return {Kind::failed, {}};
      }
      case Load::loaded:
        break;
    }
    const bool good = feed(bytes);
    const std::span<char> body = parser_->take_body();
    // The line of a chunk (with its extensions) and the trailers come whole or not at all.
    if (!good || (stalled_ && !fits(bytes))) return {Kind::failed, {}};
    keep(bytes);
    if (!body.empty()) return {Kind::data, body};
  }
}

template <bool is_request>
awaitable<base::Result<void>> H1Reader<is_request>::wait() {
  // Not a coroutine itself: one frame less for every request.
  return !pending_.empty() && !stalled_ ? at_once(base::Result<void>{}) : transport_.readable();
}

template class H1Reader<true>;
template class H1Reader<false>;

}  // namespace proxy
