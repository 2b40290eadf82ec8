// Any bytes at the beginning of a connection: the parser never reads past them, and what it accepts it can write and
// read again.
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string>

#include "proxy/proxy_protocol.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span<const char> bytes(reinterpret_cast<const char*>(data), size);
  const auto parsed = proxy::parse_proxy_header(bytes);
  if (!parsed) return 0;
  if (!parsed->has_value()) {
    if (size >= 16 + 4096) std::abort();  // never wants more than that
    return 0;
  }
  const proxy::ProxyHeader& header = **parsed;
  if (header.size > size || header.size == 0) std::abort();
  if (!header.addresses) return 0;
  for (const auto version : {config::ProxyProtocolOut::v1, config::ProxyProtocolOut::v2}) {
    const std::string written = proxy::write_proxy_header(version, *header.addresses);
    const auto again = proxy::parse_proxy_header(written);
    if (!again || !*again || (*again)->size != written.size() || !(*again)->addresses) std::abort();
    if ((*again)->addresses->source != header.addresses->source) std::abort();
    if ((*again)->addresses->destination_port != header.addresses->destination_port) std::abort();
  }
  return 0;
}
