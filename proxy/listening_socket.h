// ListeningSocket: a bound, listening TCP socket that has not been given to a worker yet.
#pragma once

#include <cstdint>
#include <utility>

#include "base/error.h"
#include "config/config.h"

namespace proxy {

class ListeningSocket {
 public:
  // SO_REUSEPORT, so that every worker has its own; an empty host listens on all addresses of both families. Errors
  // name the address.
  [[nodiscard]] static base::Result<ListeningSocket> open(const config::SocketAddress& address);
  // Whether nobody else listens there: SO_REUSEPORT alone would quietly share the port with another process.
  [[nodiscard]] static base::Result<void> probe(const config::SocketAddress& address);
  ListeningSocket(ListeningSocket&& other) noexcept : descriptor_(std::exchange(other.descriptor_, -1)) {}
  ListeningSocket& operator=(ListeningSocket&&) = delete;
  ~ListeningSocket();

  [[nodiscard]] std::uint16_t port() const;
  // The descriptor; the caller owns it now.
  [[nodiscard]] int release() noexcept { return std::exchange(descriptor_, -1); }

 private:
  enum class Sharing { none, between_workers };
  [[nodiscard]] static base::Result<ListeningSocket> bind(const config::SocketAddress& address, Sharing sharing);
  explicit ListeningSocket(int descriptor) : descriptor_(descriptor) {}
  int descriptor_;
};

}  // namespace proxy
