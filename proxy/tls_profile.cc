#include "proxy/tls_profile.h"

#include <string>

namespace proxy {
namespace {

constexpr std::string_view suites_of_tls13 =
    "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";

constexpr TlsProfile modern{TLS1_3_VERSION, "", suites_of_tls13, "X25519:prime256v1:secp384r1"};

constexpr TlsProfile intermediate{
    TLS1_2_VERSION,
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
    "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305",
    suites_of_tls13, "X25519:prime256v1:secp384r1"};

}  // namespace

const TlsProfile& tls_profile(config::TlsProfile name) noexcept {
  return name == config::TlsProfile::modern ? modern : intermediate;
}

void apply_profile(SSL_CTX* context, const TlsProfile& profile) {
  SSL_CTX_set_min_proto_version(context, profile.least_version);
  SSL_CTX_set_max_proto_version(context, 0);
  if (!profile.ciphers.empty()) SSL_CTX_set_cipher_list(context, std::string(profile.ciphers).c_str());
  SSL_CTX_set_ciphersuites(context, std::string(profile.cipher_suites).c_str());
  SSL_CTX_set1_groups_list(context, std::string(profile.groups).c_str());
}

}  // namespace proxy
