// DER: the little of X.690 that reading and writing a private key takes. Everything else is parsed by OpenSSL.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "certstore/secret_bytes.h"

namespace certstore::der {

using Bytes = std::span<const std::uint8_t>;

enum Tag : std::uint8_t {
  integer = 0x02,
  bit_string = 0x03,
  octet_string = 0x04,
  null = 0x05,
  object_identifier = 0x06,
  sequence = 0x30,
  context_0 = 0xa0,
  context_1 = 0xa1,
};

// Walks over elements, never past the end. The input is attacker controlled.
class Reader {
 public:
  explicit Reader(Bytes rest) : rest_(rest) {}
  // The content of the next element if it has this tag, and steps over it. Nothing else, a length that does not fit or
  // an indefinite length: none, and stays where it is.
  [[nodiscard]] std::optional<Bytes> take(std::uint8_t tag);
  [[nodiscard]] bool empty() const noexcept { return rest_.empty(); }

 private:
  Bytes rest_;
};

// Tag, length and content, appended to `out`. Content of at most 65,535 bytes.
void append(SecretBytes& out, std::uint8_t tag, Bytes content);

}  // namespace certstore::der
