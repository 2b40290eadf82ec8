#include "azure/listener_probe.h"

#include <utility>

#include "acme/dns_lookup.h"
#include "acme/tls_reach.h"
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

}  // namespace

base::Result<std::string> shown_fingerprint(const std::string& address, const std::string& server_name,
                                            std::chrono::milliseconds timeout, const std::stop_token& stop) {
  const auto endpoint = config::parse_endpoint(address);
  const std::string host = endpoint ? endpoint->host : address;
  const auto where = resolve(host, stop);
  if (!where) return std::unexpected(where.error());
  base::StoppableWait wait(std::chrono::steady_clock::now() + timeout, stop);
  const auto socket = acme::connect_to(*where, endpoint ? endpoint->port : 443, wait);
  if (!socket) return std::unexpected(socket.error());
  const base::SslCtxPtr context(SSL_CTX_new(TLS_client_method()));
  const base::SslPtr ssl(context ? SSL_new(context.get()) : nullptr);
  if (!ssl || SSL_set_tlsext_host_name(ssl.get(), server_name.c_str()) != 1 ||
      SSL_set_fd(ssl.get(), socket->number()) != 1) {
    return base::fail(base::Code::internal, base::take_openssl_error());
  }
  if (auto shaken = acme::shake_hands(ssl.get(), socket->number(), wait); !shaken)
    return std::unexpected(shaken.error());
  const X509* leaf = SSL_get0_peer_certificate(ssl.get());
  unsigned char* der = nullptr;
  const int size = leaf == nullptr ? 0 : i2d_X509(leaf, &der);
  if (size <= 0) return base::fail(base::Code::tls, "no certificate was shown");
  std::string fingerprint = base::to_hex(certstore::sha256({der, static_cast<std::size_t>(size)}));
  OPENSSL_free(der);
  return fingerprint;
}

}  // namespace azure
