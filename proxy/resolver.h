// Resolver: names to addresses, over c-ares: the hosts file first, then DNS with the records' TTL. One thread (its
// io_context's); nothing blocks. Each question reads resolv.conf anew, so a change of the network is noticed.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/ip_network.h"
#include "proxy/asio.h"

namespace proxy {

struct Resolution {
  std::vector<base::IpAddress> addresses;  // A and AAAA, sorted, without duplicates, at most 256
  std::chrono::seconds ttl{};  // how long it may be used: 5 s to 1 h; 30 s for what came from the hosts file
};

class Resolver {
 public:
  struct Options {
    std::string servers;                      // "127.0.0.1:5353,…"; empty: those of the system
    std::chrono::milliseconds timeout{2000};  // of one try; later ones wait longer
    int tries = 3;
  };

  explicit Resolver(asio::io_context& io) : io_(io) {}
  Resolver(asio::io_context& io, Options options) : io_(io), options_(std::move(options)) {}

  // Addresses that this host has no route to (IPv6 where there is none) are left out if there are others. Errors:
  // not_found, timeout, unreachable, invalid (no host name).
  [[nodiscard]] awaitable<base::Result<Resolution>> resolve(std::string host) const;

 private:
  asio::io_context& io_;
  Options options_;
};

// The time an answer is used, from the TTL of its records.
[[nodiscard]] std::chrono::seconds bounded_ttl(std::chrono::seconds ttl) noexcept;

// After how long a name that could not be resolved is asked for again: doubles from one second to a minute.
[[nodiscard]] std::chrono::seconds resolve_backoff(unsigned failures_so_far) noexcept;

}  // namespace proxy
