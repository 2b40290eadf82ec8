// The heads of HTTP messages, the same for HTTP/1 and HTTP/2. Plain values; everything in them that came from a client
// or a backend is attacker controlled, but within the limits and free of control characters.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <boost/beast/http/verb.hpp>

#include "proxy/header_list.h"

namespace proxy {

enum class HttpVersion : std::uint8_t { http10, http11, http2 };

struct RequestHead {
  http::verb verb = http::verb::unknown;
  std::string method;     // as sent; case matters (RFC 9110 §9.1)
  std::string authority;  // the Host field or :authority, lower-cased, with the port if one was sent
  std::string target;     // origin form: path and query, or "*"; or host:port of a plain CONNECT
  // RFC 8441 :protocol, or the Upgrade token of an HTTP/1.1 upgrade request, lower-cased; empty: no upgrade.
  std::string upgrade;
  HttpVersion version = HttpVersion::http11;
  bool has_body = false;                        // anything other than "no body at all"
  std::optional<std::uint64_t> content_length;  // without it and with has_body: until its end (chunked, or END_STREAM)
  bool expects_continue = false;
  HeaderList headers;  // without host, content-length, transfer-encoding and, once forward has been through, hop-by-hop

  void clear();
  // The host of `authority` without port and brackets.
  [[nodiscard]] std::string_view host() const noexcept;
  // The path of `target` without the query.
  [[nodiscard]] std::string_view path() const noexcept;
};

struct ResponseHead {
  unsigned status = 0;
  bool has_body = true;                         // false: 204, 304, HEAD, or content-length 0
  std::optional<std::uint64_t> content_length;  // also kept for HEAD and 304, where it says what would have come
  HeaderList headers;                           // without content-length and transfer-encoding
  std::string upgrade;                          // of a 101: the protocol that was agreed

  void clear();
  [[nodiscard]] bool informational() const noexcept { return status >= 100 && status < 200 && status != 101; }
};

// Response heads that nobody uses, with the memory that they have grown: a head costs two allocations. One thread.
class SpareHeads {
 public:
  SpareHeads();
  [[nodiscard]] ResponseHead take();
  void give_back(ResponseHead head) noexcept;

 private:
  std::vector<ResponseHead> heads_;
};

}  // namespace proxy
