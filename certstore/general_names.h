// The names of a subjectAltName extension (RFC 5280 §4.2.1.6), for certificates and for requests of our own.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/openssl.h"

namespace certstore {

using GeneralNamesPtr = std::unique_ptr<GENERAL_NAMES, base::Freed<GENERAL_NAMES_free>>;

// Addresses become iPAddress, everything else dNSName; the caller has checked them. Null only when memory ran out.
[[nodiscard]] GeneralNamesPtr general_names(const std::vector<std::string>& names);

}  // namespace certstore
