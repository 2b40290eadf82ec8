// Base64 of RFC 4648: the usual alphabet (§4) with padding, and the one for URLs (§5) without.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace base {

[[nodiscard]] std::string to_base64(std::string_view bytes);
[[nodiscard]] std::string to_base64url(std::string_view bytes);

// Strict: nothing but the alphabet, padding exactly as it has to be (base64) or none (base64url), and the bits that are
// left over zero, so that each text has one meaning. Empty is empty. `text` may be attacker controlled.
[[nodiscard]] std::optional<std::string> from_base64(std::string_view text);
[[nodiscard]] std::optional<std::string> from_base64url(std::string_view text);

}  // namespace base
