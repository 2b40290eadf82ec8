// UpstreamTlsMaterial: how a backend is spoken to over TLS: whom to trust, which name, which client certificate. Loaded
// by the control plane, immutable, shared by the workers (connections to backends are made rarely).
#pragma once

#include <memory>
#include <string>

#include "base/error.h"
#include "base/openssl.h"
#include "config/config.h"

namespace proxy {

class UpstreamTlsMaterial {
 public:
  // Reads the files; errors name them. Blocking.
  [[nodiscard]] static base::Result<std::shared_ptr<const UpstreamTlsMaterial>> load(const config::UpstreamTls& wanted);

  // A client-side SSL with SNI and verification of `host` (or of the configured server_name); null if memory ran out.
  // `h2`: offers ALPN h2 only, else http/1.1 only.
  enum class Protocol { http1, h2 };
  [[nodiscard]] base::SslPtr new_client(const std::string& host, Protocol protocol = Protocol::http1) const;

 private:
  config::UpstreamTls wanted_;
  base::SslCtxPtr context_;
};

// `otherwise`, or why the peer's certificate was not accepted, where that was the reason.
[[nodiscard]] std::string explain_verification(const SSL* ssl, const std::string& otherwise);

}  // namespace proxy
