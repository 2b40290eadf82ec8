// UpstreamTlsMaterial: how a backend is spoken to over TLS: whom to trust, which name, which client certificate. Loaded
// by the control plane, immutable, shared by the workers (connections to backends are made rarely).
#pragma once

#include <cstddef>
#include <map>
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
  // The same trust and client certificate, with the name of `wanted`. Reads nothing.
  [[nodiscard]] std::shared_ptr<const UpstreamTlsMaterial> with_name_of(const config::UpstreamTls& wanted) const;

 private:
  config::UpstreamTls wanted_;
  std::shared_ptr<SSL_CTX> context_;
};

// UpstreamTlsMaterials: those that are in use, by what is wanted: a trust store takes milliseconds and a megabyte, and
// most backends want the same. One thread at a time.
class UpstreamTlsMaterials {
 public:
  // As UpstreamTlsMaterial::load; what somebody still uses is not read again.
  [[nodiscard]] base::Result<std::shared_ptr<const UpstreamTlsMaterial>> load(const config::UpstreamTls& wanted);

 private:
  struct ByText {
    bool operator()(const config::UpstreamTls& a, const config::UpstreamTls& b) const;
  };
  template <class Value>
  using ByWanted = std::map<config::UpstreamTls, Value, ByText>;
  ByWanted<ByWanted<std::weak_ptr<const UpstreamTlsMaterial>>> known_;  // without the name, then with it
  void tidy();

  std::size_t tidy_at_ = 64;
  std::size_t count_ = 0;
};

// `otherwise`, or why the peer's certificate was not accepted, where that was the reason.
[[nodiscard]] std::string explain_verification(const SSL* ssl, const std::string& otherwise);

}  // namespace proxy
