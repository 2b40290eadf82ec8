// Any bytes as the extensions of a ClientHello: a name that is found lies within them and fits a server_name.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "proxy/tls_client_hello.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::span<const std::uint8_t> extension(bytes, size);
  const std::string_view name = proxy::server_name_of(extension);
  const auto* begin = reinterpret_cast<const char*>(bytes);
  if (!name.empty() && (name.data() < begin || name.data() + name.size() > begin + size)) std::abort();
  const bool acme = proxy::offers_only(extension, "acme-tls/1");
  const bool h2 = proxy::offers_only(extension, "h2");
  if (acme && h2) std::abort();
  return 0;
}
