// AddressText: an IP address as text in a buffer of its own, for the hot path: no allocation.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/ip_network.h"

namespace proxy {

class AddressText {
 public:
  explicit AddressText(const base::IpAddress& address) noexcept;
  // "192.0.2.1" or "2001:db8::1", valid as long as this object.
  [[nodiscard]] std::string_view view() const noexcept { return {text_.data(), size_}; }

 private:
  std::array<char, 48> text_;
  std::uint8_t size_ = 0;
};

}  // namespace proxy
