// An http or https URL taken apart, as far as it has to be known whom it leads to.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace base {

// Views of the text that it was made from.
struct HttpUrl {
  bool secure = false;         // https
  std::string_view authority;  // "ca.example.com:14000"; may be empty
  std::string_view rest;       // path, query and fragment

  // Without the port, an IPv6 address in its brackets. Empty: there is none, or parsers could disagree on where it
  // begins or ends (a user name, a backslash).
  [[nodiscard]] std::string_view host() const;
};

// Nothing: neither http nor https. `text` may be attacker controlled.
[[nodiscard]] std::optional<HttpUrl> parse_http_url(std::string_view text);

// "https://ca.example.com:14000", in lower case and without the port that goes without saying (RFC 6454 §4). Empty:
// `text` leads nowhere, or host() is empty. `text` may be attacker controlled.
[[nodiscard]] std::string origin_of(std::string_view text);

// This very machine, by its address or by its name (RFC 6761 §6.3). An IPv6 address with or without brackets.
[[nodiscard]] bool is_loopback_host(std::string_view host);

// Escapes all but the unreserved characters of RFC 3986 §2.3; for query values and forms.
[[nodiscard]] std::string percent_encoded(std::string_view text);

}  // namespace base
