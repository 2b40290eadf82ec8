// Base32, RFC 4648 §6, in lower case and without padding: as DNS labels hold it.
#pragma once

#include <string>
#include <string_view>

namespace base {

[[nodiscard]] std::string to_base32_lower(std::string_view bytes);

}  // namespace base
