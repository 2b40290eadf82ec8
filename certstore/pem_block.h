// Blocks of PEM in the strict form of RFC 7468 §3, which nearly every file has: read at a tenth of what PEM_read_bio
// takes (docs/adr/0003).
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>
#include <vector>

#include "certstore/secret_bytes.h"

namespace certstore {

struct PemBlock {
  std::string_view label;  // within the text
  SecretBytes bytes;
};

// All blocks of `text`, if it holds at most `most` blocks and nothing else but blank lines: lines of 64 characters, no
// headers, no white space within lines, padding at the end. Of anything else nothing is said; whoever is more tolerant
// may try. `text` may be attacker controlled.
[[nodiscard]] std::optional<std::vector<PemBlock>> strict_blocks(std::string_view text, std::size_t most);

}  // namespace certstore
