// PEM (RFC 7468): the blocks of a text, as bytes, not yet understood.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "certstore/private_key.h"
#include "certstore/secret_bytes.h"

namespace certstore {

// What a bundle holds. Certificates are public, but they share a buffer type with keys: one way to treat bytes.
struct PemContents {
  struct Key {
    SecretBytes bytes;
    KeyLayout layout = KeyLayout::pkcs8;
  };
  std::vector<SecretBytes> certificates;  // DER, in the order of the text
  std::vector<Key> keys;
  bool has_encrypted_key = false;
};

inline constexpr std::size_t most_pem_blocks = 128;

// Adds the certificates and private keys of `text` to `contents`; other blocks (parameters, requests) and text between
// blocks are skipped. `text` may be attacker controlled, of bounded size. Errors: a damaged block, more blocks than
// most_pem_blocks.
[[nodiscard]] base::Result<void> read_pem(std::string_view text, PemContents& contents);

// One block: label and base64 in lines of 64.
[[nodiscard]] std::string write_pem(const char* label, der::Bytes bytes);

}  // namespace certstore
