#include "proxy/address_text.h"

#include <arpa/inet.h>

#include <charconv>
#include <cstring>

namespace proxy {

AddressText::AddressText(const base::IpAddress& address) noexcept {
  const auto& bytes = address.bytes();
  if (!address.is_v4()) {
    ::inet_ntop(AF_INET6, bytes.data(), text_.data(), text_.size());
    size_ = static_cast<std::uint8_t>(std::strlen(text_.data()));
    return;
  }
  // By hand: inet_ntop goes through sprintf for IPv4, and this runs for every request.
  char* at = text_.data();
  for (std::size_t i = 12; i < 16; ++i) {
    if (i > 12) *at++ = '.';
    at = std::to_chars(at, text_.data() + text_.size(), static_cast<unsigned>(bytes[i])).ptr;
  }
  size_ = static_cast<std::uint8_t>(at - text_.data());
}

}  // namespace proxy
