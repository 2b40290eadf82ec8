// Answers of our own: errors, redirects, fixed texts.
#pragma once

#include <string_view>
#include <vector>

#include "config/config.h"
#include "proxy/exchange.h"

namespace proxy {

struct Reply {
  unsigned status = 500;
  std::string_view body = {};  // empty: "503 Service Unavailable\n" for errors, nothing for others
  std::string_view content_type = "text/plain; charset=utf-8";
  std::string_view location = {};
  std::string_view request_id = {};  // empty: the request's own, else one that is made and left in its fields
  unsigned retry_after = 0;          // seconds; 0: not said
  const config::HeaderChanges* changes = nullptr;
};

// The whole response. Returns the bytes of its body. The head is built in `head`, whatever was in it.
std::size_t reply(Exchange& exchange, const Reply& wanted, ResponseHead& head);

// "Sun, 06 Nov 1994 08:49:37 GMT" of now, made once a second. RFC 9110 §5.6.7.
[[nodiscard]] std::string_view http_date();

}  // namespace proxy
