#include "proxy/address_guard.h"

#include <ifaddrs.h>

#include <algorithm>
#include <array>
#include <memory>

namespace proxy {
namespace {

// RFC 6890: this host, loopback, link-local, multicast and broadcast.
const std::array<base::IpNetwork, 8>& nobodys() {
  static const std::array<base::IpNetwork, 8> networks{
      *base::IpNetwork::parse("0.0.0.0/8"),      *base::IpNetwork::parse("127.0.0.0/8"),
      *base::IpNetwork::parse("169.254.0.0/16"), *base::IpNetwork::parse("224.0.0.0/3"),
      *base::IpNetwork::parse("::/128"),         *base::IpNetwork::parse("::1/128"),
      *base::IpNetwork::parse("fe80::/10"),      *base::IpNetwork::parse("ff00::/8")};
  return networks;
}

}  // namespace

bool AddressGuard::permits_answer(const base::IpAddress& address) const {
  return !is_own(address) &&
         std::ranges::none_of(nobodys(), [&](const base::IpNetwork& one) { return one.contains(address); });
}

bool AddressGuard::permits(const base::IpAddress& address, std::uint16_t port) const {
  return admin_port_ == 0 || port != admin_port_ || !(address.is_loopback() || is_own(address));
}

bool AddressGuard::is_own(const base::IpAddress& address) const {
  return std::ranges::find(own_, address) != own_.end();
}

std::vector<base::IpAddress> addresses_of_this_host() {
  ifaddrs* first = nullptr;
  std::vector<base::IpAddress> addresses;
  if (::getifaddrs(&first) != 0) return addresses;
  const std::unique_ptr<ifaddrs, decltype(&::freeifaddrs)> all(first, &::freeifaddrs);
  for (const ifaddrs* each = first; each != nullptr; each = each->ifa_next) {
    if (each->ifa_addr == nullptr) continue;
    if (const auto address = base::IpAddress::from(*each->ifa_addr)) addresses.push_back(*address);
  }
  return addresses;
}

}  // namespace proxy
