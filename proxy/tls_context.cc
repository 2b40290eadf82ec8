#include "proxy/tls_context.h"

#include <openssl/err.h>

#include <algorithm>

#include "base/ascii.h"
#include "proxy/tls_client_auth.h"
#include "proxy/tls_client_hello.h"
#include "proxy/tls_profile.h"
#include "proxy/tls_tickets.h"

namespace proxy {
namespace {

constexpr std::string_view acme_protocol = "acme-tls/1";  // RFC 8737 §3
constexpr std::string_view resumption_scope = "sekisho";  // of all names without client certificates

std::span<const std::uint8_t> extension_of(SSL* ssl, unsigned type) noexcept {
  const unsigned char* bytes = nullptr;
  std::size_t size = 0;
  if (SSL_client_hello_get0_ext(ssl, type, &bytes, &size) != 1) return {};
  return {bytes, size};
}

const certstore::CertificatePtr* challenge_certificate(const TlsHandshake& handshake) noexcept {
  const auto& challenges = handshake.snapshot->challenges;
  if (challenges == nullptr) return nullptr;
  const auto found = challenges->tls_alpn01.find(handshake.server_name);
  return found == challenges->tls_alpn01.end() ? nullptr : &found->second;
}

const certstore::CertPair* select_pair(const TlsHandshake& handshake) noexcept {
  const Snapshot& world = *handshake.snapshot;
  if (world.certificates == nullptr) return nullptr;
  if (!handshake.server_name.empty()) {
    if (world.withheld != nullptr && world.withheld->withholds(handshake.server_name, *world.certificates)) {
      return nullptr;
    }
    if (const auto* found = world.certificates->find(handshake.server_name)) return found;
    if (world.config->tls.unknown_name == config::UnknownName::reject) return nullptr;
  } else if (handshake.local) {
    // RFC 6066 §3: an address is no server name; a client that asks for one sends none, and checks it all the same.
    if (const auto* found = world.certificates->exact(handshake.local->to_string())) return found;
  }
  return world.certificates->fallback();
}

bool is_uncovered(const TlsHandshake& handshake) noexcept {
  const auto& certificates = handshake.snapshot->certificates;
  return !handshake.server_name.empty() &&
         (certificates == nullptr || certificates->find(handshake.server_name) == nullptr);
}

int use(SSL* ssl, const certstore::CertificatePtr& certificate) noexcept {
  if (certificate == nullptr) return 1;
  const auto* material = certificate->material();
  if (material == nullptr) return 0;
  return SSL_use_cert_and_key(ssl, material->leaf.get(), material->key.get(), material->chain, 1);
}

void ask_for_client_certificate(SSL* ssl, const ClientAuthPolicy& policy) noexcept {
  const int mode = policy.mode == config::ClientCertificateMode::required
                       ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                       : SSL_VERIFY_PEER;
  SSL_set_verify(ssl, mode, nullptr);
  SSL_set1_verify_cert_store(ssl, policy.trust.get());
  for (const base::X509Ptr& authority : policy.authorities) SSL_add_client_CA(ssl, authority.get());
}

}  // namespace

// The pointer for a security callback, of which there is none here, lies in the SSL itself: ex_data would be a stack of
// pointers on the heap, a hundred bytes for each connection.
TlsHandshake& handshake_of(SSL* ssl) noexcept {
  return *static_cast<TlsHandshake*>(SSL_get0_security_ex_data(ssl));
}

void forget_handshake(SSL* ssl) noexcept {
  SSL_set0_security_ex_data(ssl, nullptr);
  SSL_certs_clear(ssl);
}

TlsContext::TlsContext() {
  make();
}

void TlsContext::set_profile(config::TlsProfile profile) {
  if (profile == profile_) return;
  profile_ = profile;
  make();
}

void TlsContext::make() {
  context_.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* context = context_.get();
  apply_profile(context, tls_profile(profile_));
  SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE |
                                   SSL_OP_PRIORITIZE_CHACHA | SSL_OP_NO_ANTI_REPLAY);
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context, 1);
  // Stateless: what a session needs is in its ticket. RFC 8446 §8.1: early data, the one thing that needs single use,
  // is off.
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_max_early_data(context, 0);
  SSL_CTX_set_client_hello_cb(context, on_client_hello, nullptr);
  SSL_CTX_set_cert_cb(context, on_certificate, nullptr);
  SSL_CTX_set_alpn_select_cb(context, on_alpn, nullptr);
  install_ticket_keys(context);
}

base::SslPtr TlsContext::new_session(TlsHandshake& handshake) {
  base::SslPtr ssl(SSL_new(context_.get()));
  SSL_set0_security_ex_data(ssl.get(), &handshake);
  SSL_set_accept_state(ssl.get());
  if (handshake.snapshot->ticket_keys == nullptr) {
    SSL_set_options(ssl.get(), SSL_OP_NO_TICKET);
    SSL_set_num_tickets(ssl.get(), 0);
  }
  return ssl;
}

// Everything that depends on the name is decided here, before a session can be resumed.
int TlsContext::on_client_hello(SSL* ssl, int* alert, void*) noexcept {
  TlsHandshake& handshake = handshake_of(ssl);
  handshake.server_name = base::lower_case(server_name_of(extension_of(ssl, TLSEXT_TYPE_server_name)));
  while (handshake.server_name.ends_with('.')) handshake.server_name.pop_back();
  handshake.acme_challenge =
      offers_only(extension_of(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation), acme_protocol);
  const bool known =
      handshake.acme_challenge ? challenge_certificate(handshake) != nullptr : select_pair(handshake) != nullptr;
  handshake.uncovered_name = handshake.snapshot->on_demand && !handshake.acme_challenge && is_uncovered(handshake);
  if (!known) {
    handshake.refused_name = true;
    *alert = SSL_AD_UNRECOGNIZED_NAME;  // RFC 6066 §3
    return SSL_CLIENT_HELLO_ERROR;
  }
  std::string_view scope = resumption_scope;
  if (handshake.snapshot->client_auth != nullptr && !handshake.acme_challenge) {
    const ClientAuthPolicy& policy = handshake.snapshot->client_auth->find(handshake.server_name);
    if (policy.mode != config::ClientCertificateMode::off) {
      handshake.client_auth = &policy;
      ask_for_client_certificate(ssl, policy);
      scope = policy.id;
    }
  }
  SSL_set_session_id_context(ssl, reinterpret_cast<const unsigned char*>(scope.data()),
                             static_cast<unsigned>(scope.size()));
  return SSL_CLIENT_HELLO_SUCCESS;
}

int TlsContext::on_certificate(SSL* ssl, void*) noexcept {
  const TlsHandshake& handshake = handshake_of(ssl);
  if (handshake.acme_challenge) {
    const auto* certificate = challenge_certificate(handshake);
    return certificate != nullptr ? use(ssl, *certificate) : 0;
  }
  const certstore::CertPair* pair = select_pair(handshake);
  if (pair == nullptr) return 0;
  // Both kinds where there are both: OpenSSL chooses by the client's signature algorithms and ciphers.
  return use(ssl, pair->rsa) == 1 && use(ssl, pair->ecdsa) == 1 ? 1 : 0;
}

int TlsContext::on_alpn(SSL* ssl, const unsigned char** chosen, unsigned char* chosen_size,
                        const unsigned char* offered, unsigned offered_size, void*) noexcept {
  static constexpr unsigned char ours[] = "\x02h2\x08http/1.1";
  static constexpr unsigned char acme[] =
      "\x0a"
      "acme-tls/1";
  const bool challenge = handshake_of(ssl).acme_challenge;
  const int result = SSL_select_next_proto(const_cast<unsigned char**>(chosen), chosen_size, challenge ? acme : ours,
                                           challenge ? sizeof acme - 1 : sizeof ours - 1, offered, offered_size);
  // RFC 7301 §3.2: no_application_protocol.
  return result == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

Alpn negotiated_protocol(SSL* ssl) noexcept {
  const unsigned char* bytes = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(ssl, &bytes, &size);
  const std::string_view name(reinterpret_cast<const char*>(bytes), size);
  if (name == "h2") return Alpn::h2;
  if (name == acme_protocol) return Alpn::acme;
  return name.empty() ? Alpn::none : Alpn::http1;
}

Handshake handshake_kind(SSL* ssl) noexcept {
  const bool resumed = SSL_session_reused(ssl) != 0;
  if (SSL_version(ssl) == TLS1_3_VERSION) return resumed ? Handshake::tls13_resumed : Handshake::tls13_full;
  return resumed ? Handshake::tls12_resumed : Handshake::tls12_full;
}

HandshakeFailure classify_failure(int reason, const TlsHandshake& handshake) noexcept {
  if (handshake.refused_name) return HandshakeFailure::unknown_name;
  switch (reason) {
    case 0:
      return HandshakeFailure::closed;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
      return HandshakeFailure::closed;
    case SSL_R_NO_SHARED_CIPHER:
    case SSL_R_NO_SUITABLE_KEY_SHARE:
    case SSL_R_NO_SUITABLE_SIGNATURE_ALGORITHM:
    case SSL_R_NO_SHARED_SIGNATURE_ALGORITHMS:
    case SSL_R_NO_SHARED_GROUPS:
      return HandshakeFailure::no_shared_cipher;
    case SSL_R_NO_APPLICATION_PROTOCOL:
      return HandshakeFailure::no_shared_protocol;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_VERSION_TOO_LOW:
    case SSL_R_WRONG_SSL_VERSION:
      return HandshakeFailure::unsupported_version;
    case SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE:
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
      return HandshakeFailure::client_certificate;
    case SSL_R_HTTP_REQUEST:
    case SSL_R_HTTPS_PROXY_REQUEST:
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
      return HandshakeFailure::not_tls;
    default:
      break;
  }
  // Alerts that the peer sent are reasons from 1000 on, by their number.
  if (reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256) return HandshakeFailure::client_alert;
  return HandshakeFailure::other;
}

}  // namespace proxy
