// ConnectionFacts: what is known of a client connection for as long as it lives. Read by forward, headers and logs.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "base/ip_network.h"

namespace proxy {

// The verified client certificate, as it is passed on to backends.
struct ClientIdentity {
  std::string subject;  // RFC 2253
  std::string issuer;   // RFC 2253
  std::string serial_hex;
  std::string sha256_hex;  // fingerprint
  std::string der_base64;  // RFC 9440 §2.1, without the colons
};

struct ConnectionFacts {
  base::IpAddress peer;    // who connected (a load balancer, perhaps)
  base::IpAddress client;  // from the PROXY header if there was one, else the peer
  std::uint16_t client_port = 0;
  base::IpAddress local;  // where the client connected to (from the PROXY header if there was one)
  std::uint16_t local_port = 0;
  bool tls = false;
  const char* tls_version = "";  // "TLSv1.3"; static text
  bool tls_resumed = false;
  std::chrono::duration<std::uint32_t, std::micro> handshake{};  // how long it took; 0 without TLS
  std::string server_name;                                       // SNI, lower-cased; empty: none
  std::string client_auth_policy;  // which client certificate policy the handshake went through; empty: the default one
  std::shared_ptr<const ClientIdentity> identity;  // null: no client certificate
};

}  // namespace proxy
