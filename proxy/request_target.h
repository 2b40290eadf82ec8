// The request target: what is accepted, and how it is changed on the way. Pure functions; input is attacker controlled.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "proxy/message.h"

namespace proxy {

// Makes `head.target` origin form and `head.authority` right, by RFC 9112 §3.2 and RFC 9113 §8.3.1: absolute-form gives both
// (its authority wins over Host), "*" only for OPTIONS, authority-form only for CONNECT. Lower-cases the authority. Errors (to be
// answered with 400): no or several Host fields in HTTP/1.1, an authority that is no host[:port], userinfo, a fragment, a
// target with controls, spaces or non-ASCII, a path that does not begin with "/", an encoded slash or NUL in a dot segment trick.
[[nodiscard]] base::Result<void> normalize_target(RequestHead& head);

// The path with dot segments removed (also %2e) and empty segments kept, as used for matching AND forwarded, so that both see
// the same: RFC 3986 §5.2.4. Does nothing when there is nothing to do (the common case costs one scan).
[[nodiscard]] bool needs_path_normalization(std::string_view path) noexcept;
[[nodiscard]] std::string normalized_path(std::string_view path);

// Whether `path` matches `prefix` by whole segments: "/app" matches "/app", "/app/", "/app/x", not "/apple".
[[nodiscard]] bool matches_prefix(std::string_view path, std::string_view prefix) noexcept;

// `target` (path and query) with the matched prefix replaced: ("/app/x?q", "/app", "/v2") -> "/v2/x?q". Never without "/".
[[nodiscard]] std::string replace_prefix(std::string_view target, std::string_view prefix, std::string_view replacement);

}  // namespace proxy
