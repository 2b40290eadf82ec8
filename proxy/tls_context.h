// TlsContext: how a worker answers a ClientHello. One SSL_CTX for all names; the certificate, the client certificate
// policy and the ticket keys come from the snapshot that the handshake began with.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/ip_network.h"
#include "base/openssl.h"
#include "proxy/connection_facts.h"
#include "proxy/snapshot.h"
#include "proxy/stats.h"

namespace proxy {

struct ClientAuthPolicy;

// What one handshake knows. Lives at one place until forget_handshake.
struct TlsHandshake {
  SnapshotPtr snapshot;
  std::string server_name;                        // SNI, lower-cased; empty: none
  const ClientAuthPolicy* client_auth = nullptr;  // owned by the snapshot's table
  std::optional<base::IpAddress> local;           // the address that the client has connected to
  bool acme_challenge = false;                    // the client speaks acme-tls/1 and nothing else
  bool refused_name = false;                      // unrecognized_name was sent
  bool uncovered_name = false;                    // no certificate covers server_name, and the snapshot wants to know
};

enum class Alpn : std::uint8_t { none, http1, h2, acme };

class TlsContext {
 public:
  TlsContext();

  // A server-side SSL for one connection. `handshake` must last until forget_handshake.
  [[nodiscard]] base::SslPtr new_session(TlsHandshake& handshake);
  // The profile of later handshakes.
  void set_profile(config::TlsProfile profile);

 private:
  static int on_client_hello(SSL* ssl, int* alert, void*) noexcept;
  static int on_certificate(SSL* ssl, void*) noexcept;
  static int on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size, const unsigned char* offered,
                     unsigned offered_size, void*) noexcept;
  void make();

  config::TlsProfile profile_ = config::TlsProfile::intermediate;
  base::SslCtxPtr context_;
};

// The handshake that belongs to an SSL of new_session.
[[nodiscard]] TlsHandshake& handshake_of(SSL* ssl) noexcept;
// The handshake is over, one way or the other: there is no other one (renegotiation is off), and nothing asks any more.
// Certificate and key are given up too: a connection keeps no key that has been replaced since.
void forget_handshake(SSL* ssl) noexcept;

// After the handshake.
[[nodiscard]] Alpn negotiated_protocol(SSL* ssl) noexcept;
[[nodiscard]] Handshake handshake_kind(SSL* ssl) noexcept;
[[nodiscard]] std::shared_ptr<const ClientIdentity> client_identity(SSL* ssl);
// `reason`: TlsTransport::failure_reason().
[[nodiscard]] HandshakeFailure classify_failure(int reason, const TlsHandshake& handshake) noexcept;

}  // namespace proxy
