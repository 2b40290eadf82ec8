// Host names as certificates carry them. RFC 5890 §2.3.1, RFC 6125 §6.4.3.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace certstore {

// The name in lower case if it is a host name in A-label form, or a wildcard for exactly its left-most label with at
// least two labels behind it ("*.example.com"); else none. Labels: 1 to 63 letters, digits, hyphens (not at either end)
// and, because they are out there, underscores; 253 bytes in all. The input is attacker controlled.
[[nodiscard]] std::optional<std::string> canonical_host_name(std::string_view name);

}  // namespace certstore
