// Any bytes as a PROXY header: an error, a wish for more, or a header that lies within what was read and means the same
// when it is written again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "proxy/proxy_protocol.h"

namespace {

void expect(bool held) {
  if (!held) std::abort();
}

void expect_same_when_written(config::ProxyProtocolOut version, const proxy::ProxiedAddresses& addresses) {
  const std::string written = proxy::write_proxy_header(version, addresses);
  const auto again = proxy::parse_proxy_header(written);
  expect(again.has_value() && again->has_value() && (*again)->size == written.size());
  if (!(*again)->addresses) return;  // families that differ cannot be written
  expect((*again)->addresses->source == addresses.source);
  expect((*again)->addresses->source_port == addresses.source_port);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::span<const char> text(reinterpret_cast<const char*>(bytes), size);
  const auto parsed = proxy::parse_proxy_header(text);
  if (!parsed) return 0;
  if (!*parsed) {
    expect(size < 16 + 4096);  // it never asks for more than the longest header
    return 0;
  }
  const proxy::ProxyHeader& header = **parsed;
  expect(header.size > 0 && header.size <= size);
  // A good header stays good, and of the same size, when only its own bytes are there, and every shorter one asks for
  // more.
  const auto alone = proxy::parse_proxy_header(text.first(header.size));
  expect(alone.has_value() && alone->has_value() && (*alone)->size == header.size);
  const auto shorter = proxy::parse_proxy_header(text.first(header.size - 1));
  expect(shorter.has_value() && !shorter->has_value());
  if (!header.addresses) return 0;
  expect_same_when_written(config::ProxyProtocolOut::v1, *header.addresses);
  expect_same_when_written(config::ProxyProtocolOut::v2, *header.addresses);
  return 0;
}
