// IpNetwork: an address range such as 10.0.0.0/8 or 2001:db8::/32. IPv4-mapped IPv6 addresses count as IPv4.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

struct sockaddr;

namespace base {

class IpAddress {
 public:
  // "192.0.2.1", "2001:db8::1", "[2001:db8::1]". Input may be attacker controlled.
  [[nodiscard]] static std::optional<IpAddress> parse(std::string_view text);
  [[nodiscard]] static IpAddress v4(std::uint32_t host_order);
  [[nodiscard]] static IpAddress v6(const std::array<std::uint8_t, 16>& bytes);
  [[nodiscard]] static std::optional<IpAddress> from(const sockaddr& address);

  [[nodiscard]] bool is_v4() const noexcept;
  [[nodiscard]] bool is_loopback() const noexcept;  // 127.0.0.0/8, ::1
  [[nodiscard]] std::string to_string() const;
  // As it stands in URLs and Host fields: IPv6 in brackets (RFC 3986 §3.2.2).
  [[nodiscard]] std::string to_host() const { return is_v4() ? to_string() : '[' + to_string() + ']'; }
  // 16 bytes; IPv4 as ::ffff:a.b.c.d.
  [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const noexcept { return bytes_; }
  friend bool operator==(const IpAddress&, const IpAddress&) = default;
  friend auto operator<=>(const IpAddress&, const IpAddress&) = default;

 private:
  std::array<std::uint8_t, 16> bytes_{};
};

// Whether `text` is an address of this machine alone; a name is none.
[[nodiscard]] bool is_loopback_address(std::string_view text);

class IpNetwork {
 public:
  // "10.0.0.0/8", or one address. Bits behind the prefix are cleared.
  [[nodiscard]] static std::optional<IpNetwork> parse(std::string_view text);
  [[nodiscard]] bool contains(const IpAddress& address) const noexcept;
  [[nodiscard]] std::string to_string() const;
  friend bool operator==(const IpNetwork&, const IpNetwork&) = default;

 private:
  IpAddress base_;
  unsigned prefix_ = 128;  // of the 128-bit form
};

}  // namespace base

template <>
struct std::hash<base::IpAddress> {
  std::size_t operator()(const base::IpAddress& address) const noexcept {
    return std::hash<std::string_view>{}(
        std::string_view(reinterpret_cast<const char*>(address.bytes().data()), address.bytes().size()));
  }
};
