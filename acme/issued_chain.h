// What may be in the chain that a CA hands out.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace acme {

// The certificates of `text` as clean PEM, in their order. RFC 8555 §9.1: "The file contains one certificate … or
// more", each in a block of its own; anything else in the file, a private key above all, is refused (RFC 8555 §11.4).
// `text` is controlled by the CA, 1 MiB at most. Errors: protocol.
[[nodiscard]] base::Result<std::string> checked_chain(std::string_view text);

}  // namespace acme
