#include "azure/listener_probe.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "acme/dns_lookup.h"
#include "acme/dns_transport.h"
#include "base/descriptor.h"
#include "base/hex.h"
#include "base/ip_network.h"
#include "base/openssl.h"
#include "base/stoppable_wait.h"
#include "certstore/facts.h"
#include "config/host_names.h"

namespace azure {
namespace {

base::Result<base::IpAddress> resolve(const std::string& host, const std::stop_token& stop) {
  if (const auto address = base::IpAddress::parse(host)) return *address;
  auto found = acme::DnsLookup({}).addresses(host, stop);
  if (!found) return std::unexpected(std::move(found.error()));
  if (found->empty()) return base::fail(base::Code::unreachable, host + " has no address");
  return found->front();
}

base::Result<base::Descriptor> connect_to(const base::IpAddress& address, std::uint16_t port,
                                          base::StoppableWait& wait) {
  const acme::DnsServer place = acme::DnsServer::at(address, port);
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

}  // namespace

base::Result<std::string> shown_fingerprint(const std::string& address, const std::string& server_name,
                                            std::chrono::milliseconds timeout, const std::stop_token& stop) {
  const auto endpoint = config::parse_endpoint(address);
  const std::string host = endpoint ? endpoint->host : address;
  const auto where = resolve(host, stop);
  if (!where) return std::unexpected(where.error());
  base::StoppableWait wait(std::chrono::steady_clock::now() + timeout, stop);
  auto socket = connect_to(*where, endpoint ? endpoint->port : 443, wait);
  if (!socket) return std::unexpected(std::move(socket.error()));
  const base::SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  const base::SslPtr ssl(context ? SSL_new(context.get()) : nullptr);
  if (!ssl || SSL_set_tlsext_host_name(ssl.get(), server_name.c_str()) != 1 ||
      SSL_set_fd(ssl.get(), socket->number()) != 1) {
    return base::fail(base::Code::internal, base::take_openssl_error());
  }
  if (auto shaken = shake_hands(ssl.get(), socket->number(), wait); !shaken) return std::unexpected(shaken.error());
  const X509* leaf = SSL_get0_peer_certificate(ssl.get());
  unsigned char* der = nullptr;
  const int size = leaf == nullptr ? 0 : i2d_X509(leaf, &der);
  if (size <= 0) return base::fail(base::Code::tls, "no certificate was shown");
  std::string fingerprint = base::to_hex(certstore::sha256({der, static_cast<std::size_t>(size)}));
  OPENSSL_free(der);
  return fingerprint;
}

}  // namespace azure
