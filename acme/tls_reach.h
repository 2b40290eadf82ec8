// The two blocking steps of a TLS connection that only looks at what a server shows.
#pragma once

#include <cstdint>

#include "base/descriptor.h"
#include "base/error.h"
#include "base/ip_network.h"
#include "base/openssl.h"
#include "base/stoppable_wait.h"

namespace acme {

// A TCP connection in non-blocking mode. Errors: of the system's, timeout, cancelled. Blocking, until `wait` ends.
[[nodiscard]] base::Result<base::Descriptor> connect_to(const base::IpAddress& address, std::uint16_t port,
                                                        base::StoppableWait& wait);
// As a client; `ssl` is configured for `socket`. Errors: tls, timeout, cancelled. Blocking, until `wait` ends.
[[nodiscard]] base::Result<void> shake_hands(SSL* ssl, int socket, base::StoppableWait& wait);

}  // namespace acme
