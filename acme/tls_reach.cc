#include "acme/tls_reach.h"

#include <sys/socket.h>

#include <cerrno>

#include "acme/dns_transport.h"

namespace acme {

base::Result<base::Descriptor> connect_to(const base::IpAddress& address, std::uint16_t port,
                                          base::StoppableWait& wait) {
  const DnsServer place = DnsServer::at(address, port);
  base::Descriptor socket(::socket(place.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket.open()) return base::fail_errno("socket", errno);
  if (::connect(socket.number(), reinterpret_cast<const sockaddr*>(&place.address), place.size) == 0) return socket;
  if (errno != EINPROGRESS) return base::fail_errno("connect", errno);
  if (auto ready = wait.for_descriptor(socket.number(), POLLOUT); !ready) return std::unexpected(ready.error());
  int error_number = 0;
  socklen_t size = sizeof error_number;
  ::getsockopt(socket.number(), SOL_SOCKET, SO_ERROR, &error_number, &size);
  if (error_number != 0) return base::fail_errno("connect", error_number);
  return socket;
}

base::Result<void> shake_hands(SSL* ssl, int socket, base::StoppableWait& wait) {
  while (true) {
    const int done = SSL_connect(ssl);
    if (done == 1) return {};
    const int why = SSL_get_error(ssl, done);
    if (why != SSL_ERROR_WANT_READ && why != SSL_ERROR_WANT_WRITE) {
      return base::fail(base::Code::tls, base::take_openssl_error());
    }
    if (auto ready = wait.for_descriptor(socket, why == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT); !ready) return ready;
  }
}

}  // namespace acme
