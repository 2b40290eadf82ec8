#include "proxy/tls_client_hello.h"

namespace proxy {
namespace {

std::size_t read16(std::span<const std::uint8_t> bytes) noexcept {
  return static_cast<std::size_t>(bytes[0]) << 8U | bytes[1];
}

std::string_view text(std::span<const std::uint8_t> bytes) noexcept {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

}  // namespace

std::string_view server_name_of(std::span<const std::uint8_t> extension) noexcept {
  constexpr std::uint8_t host_name = 0;
  // RFC 6066 §3: list length (2), then name type (1), name length (2), name. One host_name at the most.
  if (extension.size() < 5 || read16(extension) != extension.size() - 2) return {};
  if (extension[2] != host_name) return {};
  const std::size_t length = read16(extension.subspan(3));
  if (length == 0 || length > 255 || length > extension.size() - 5) return {};
  const std::string_view name = text(extension.subspan(5, length));
  return name.find('\0') == std::string_view::npos ? name : std::string_view{};
}

bool offers_only(std::span<const std::uint8_t> extension, std::string_view protocol) noexcept {
  // RFC 7301 §3.1: list length (2), then for each protocol its length (1) and name.
  if (extension.size() < 3 || read16(extension) != extension.size() - 2) return false;
  return extension[2] == extension.size() - 3 && text(extension.subspan(3)) == protocol;
}

}  // namespace proxy
