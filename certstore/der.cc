#include "certstore/der.h"

#include <cstddef>

namespace certstore::der {

std::optional<Bytes> Reader::take(std::uint8_t tag) {
  if (rest_.size() < 2 || rest_[0] != tag) return std::nullopt;
  std::size_t header = 2;
  std::size_t length = rest_[1];
  if (length >= 0x80) {
    const std::size_t count = length & 0x7fU;
    if (count == 0 || count > 3 || rest_.size() < 2 + count) return std::nullopt;
    length = 0;
    for (std::size_t i = 0; i < count; ++i) length = (length << 8U) | rest_[2 + i];
    header += count;
  }
  if (rest_.size() - header < length) return std::nullopt;
  const Bytes content = rest_.subspan(header, length);
  rest_ = rest_.subspan(header + length);
  return content;
}

void append(SecretBytes& out, std::uint8_t tag, Bytes content) {
  const std::size_t size = content.size();
  out.push_back(tag);
  if (size >= 0x100) {
    out.insert(out.end(), {0x82, static_cast<std::uint8_t>(size >> 8U)});
  } else if (size >= 0x80) {
    out.push_back(0x81);
  }
  out.push_back(static_cast<std::uint8_t>(size & 0xffU));
  out.insert(out.end(), content.begin(), content.end());
}

}  // namespace certstore::der
