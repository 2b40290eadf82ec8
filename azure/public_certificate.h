// What Azure shows of a certificate: without its key, in base64, a PKCS#7 of the whole chain or the leaf alone.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace azure {

// Lower-case hexadecimal SHA-256 of each certificate in it, in its order, which says nothing: PKCS#7 holds a set. Never
// empty. `text` is controlled by the other side, of bounded size. Errors: `protocol` for what is neither.
[[nodiscard]] base::Result<std::vector<std::string>> fingerprints_in(std::string_view text);

}  // namespace azure
