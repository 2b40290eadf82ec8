// SecretText: text that is wiped before its memory goes back to the heap: passwords, and documents with a key inside.
#pragma once

#include <string>

#include "certstore/secret_bytes.h"

namespace azure {

// Wiped also when it grows. Fifteen characters and less are kept in the object itself, and are not: none of our secrets
// is so short.
using SecretText = std::basic_string<char, std::char_traits<char>, certstore::WipingAllocator<char>>;

}  // namespace azure
