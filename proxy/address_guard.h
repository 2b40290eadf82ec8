// AddressGuard: where backends that strangers have named must not lead: to this host, and to what answers only because
// a question comes from here (cloud metadata). Immutable; any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ip_network.h"

namespace proxy {

class AddressGuard {
 public:
  AddressGuard() = default;  // knows of no address of this host
  // `own`: addresses of this host; `admin_port`: of the admin endpoint, 0: there is none.
  AddressGuard(std::vector<base::IpAddress> own, std::uint16_t admin_port)
      : own_(std::move(own)), admin_port_(admin_port) {}

  // Whether a name may lead there. Whoever answers for the name controls the address.
  [[nodiscard]] bool permits_answer(const base::IpAddress& address) const;
  // Whether an address that was written down may be asked at this port: everything but the admin endpoint. That it is
  // no loopback address the API server has looked at.
  [[nodiscard]] bool permits(const base::IpAddress& address, std::uint16_t port) const;

 private:
  [[nodiscard]] bool is_own(const base::IpAddress& address) const;

  std::vector<base::IpAddress> own_;
  std::uint16_t admin_port_ = 0;
};

// Of all interfaces, now.
[[nodiscard]] std::vector<base::IpAddress> addresses_of_this_host();

}  // namespace proxy
