// The TLS profiles that Mozilla recommends (Server Side TLS, guidelines 5.7), as data. tests/data/tls_profiles.json is
// the golden copy.
#pragma once

#include <string_view>

#include "base/error.h"
#include "base/openssl.h"
#include "config/config.h"

namespace proxy {

struct TlsProfile {
  int least_version;               // of OpenSSL: TLS1_2_VERSION
  std::string_view ciphers;        // TLS 1.2, OpenSSL names, in order
  std::string_view cipher_suites;  // TLS 1.3
  std::string_view groups;
};

[[nodiscard]] const TlsProfile& tls_profile(config::TlsProfile name) noexcept;

// Sets versions, ciphers and groups.
void apply_profile(SSL_CTX* context, const TlsProfile& profile);

}  // namespace proxy
