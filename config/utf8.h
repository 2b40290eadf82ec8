// Which bytes are text.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace config {

// The offset of the first byte that is not well-formed UTF-8 (RFC 3629 §4), or is a control character other than tab,
// line feed and carriage return. `text` may be attacker controlled.
[[nodiscard]] std::optional<std::size_t> first_not_text(std::string_view text);

}  // namespace config
