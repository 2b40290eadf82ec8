// Which of a CA's chains ends where the operator wants it to. RFC 8555 §7.4.2.
#pragma once

#include <string_view>

namespace acme {

// Whether the topmost certificate of `pem` was issued by, or is, one with this common name. `pem` is controlled by the
// CA.
[[nodiscard]] bool chain_leads_to(std::string_view pem, std::string_view common_name);

}  // namespace acme
