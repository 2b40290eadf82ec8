// The request target: what is accepted, and how it is changed on the way. Pure functions; input is attacker controlled.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "proxy/message.h"

namespace proxy {

// Makes `head.target` origin form and `head.authority` right, by RFC 9112 §3.2 and RFC 9113 §8.3.1: absolute-form gives
// both (its authority wins over Host), "*" only for OPTIONS, authority-form only for CONNECT. The session may leave
// Host among the fields: it is taken from there and removed. Lower-cases the authority and drops the dot of a fully
// qualified host; a plain CONNECT of HTTP/2 comes with an empty target. Dot segments of the path are removed (see
// normalized_path). Errors (to be answered with 400): no or several Host fields in HTTP/1.1, a Host that differs from
// :authority, an authority that is no host[:port], userinfo, a fragment, a target with controls, spaces or non-ASCII, a
// path that does not begin with "/", a path that holds a NUL (%00), or a dot segment that only some servers see: behind
// an encoded slash or a backslash ("..%2f", "..\\"), or with parameters ("..;x"). Encoded slashes elsewhere are kept as
// they are; letters, digits and "-._~" that are encoded in the path are decoded. `otherwise` is the authority of an
// HTTP/1.0 request that names none.
[[nodiscard]] base::Result<void> normalize_target(RequestHead& head, std::string_view otherwise = {});

// Whether a client may ask for a switch to this protocol (Upgrade, or RFC 8441 :protocol): one token (RFC 9110 §7.8),
// and not h2c, which would be a way past all routes. normalize_target refuses others in `head.upgrade`.
[[nodiscard]] bool is_acceptable_upgrade(std::string_view protocol) noexcept;

// The path with dot segments removed (also %2e) and empty segments kept, as used for matching AND forwarded, so that
// both see the same: RFC 3986 §5.2.4. Does nothing when there is nothing to do (the common case costs one scan).
[[nodiscard]] bool needs_path_normalization(std::string_view path) noexcept;
[[nodiscard]] std::string normalized_path(std::string_view path);

// The two parts of a valid authority: the host with its brackets, and the port, empty if there is none.
struct AuthorityParts {
  std::string_view host;
  std::string_view port;
};
[[nodiscard]] AuthorityParts split_authority(std::string_view authority) noexcept;

// How a backend reads the path that merges slashes, decodes those that are encoded, takes backslashes for slashes, and
// drops the parameters of segments: "//a;x%2fb" -> "/a/b". False: every backend reads it as it stands. The path has
// been through normalize_target.
[[nodiscard]] bool has_lenient_reading(std::string_view path) noexcept;
[[nodiscard]] std::string lenient_path(std::string_view path);

// Whether `path` matches `prefix` by whole segments: "/app" matches "/app", "/app/", "/app/x", not "/apple". A slash at
// the end of the prefix changes nothing: "/app/" matches the same.
[[nodiscard]] bool matches_prefix(std::string_view path, std::string_view prefix) noexcept;

// `target` (path and query) with the matched prefix replaced: ("/app/x?q", "/app", "/v2") -> "/v2/x?q". Never without
// "/". Where only the lenient reading of the path has the prefix, that reading is what comes behind the replacement.
[[nodiscard]] std::string replace_prefix(std::string_view target, std::string_view prefix,
                                         std::string_view replacement);

}  // namespace proxy
